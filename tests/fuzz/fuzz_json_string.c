/* Any text as a JSON string: another parser reads the same text back, and what is said to stand as
 * it is does. */
#include "base/json_string.h"
#include "base/text.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memcpy(malloc(size), data, size); /* of its exact size, for the sanitizer */
    char *quoted = malloc(JSON_STRING_ROOM(size) + 2), *end;
    size_t plain = json_string_plain(text, size);

    *quoted = '"';
    end = json_string_escape(quoted + 1, text, size);
    *end++ = '"';
    assert(memcmp(quoted + 1, text, plain) == 0);
    assert(plain == size || quoted[1 + plain] == '\\');
    if (text_utf8_valid(text, size)) {
        json_t *string =
            json_loadb(quoted, (size_t)(end - quoted), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

        assert(string && json_string_length(string) == size);
        assert(memcmp(json_string_value(string), text, size) == 0);
        json_decref(string);
    }
    free(text);
    free(quoted);
    return 0;
}
