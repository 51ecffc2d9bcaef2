/* The JSON body of a request to the chat API. A text that is taken is valid UTF-8 within its limit,
 * an id is a decimal number, and a mistake has a code and words. */
#include "api/fields.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(fields *f)
{
    char id[24];
    const char *message = fields_required_text(f, "message", 64);
    if (message)
        assert(strlen(message) <= 64 && text_utf8_valid(message, strlen(message)));
    (void)fields_text(f, "playerId", 8);
    if (fields_id(f, "requestId", id))
        assert(*id != '\0' && strspn(id, "0123456789") == strlen(id));
    assert(fields_required_integer(f, "seq", 0) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fields f;
    char *text = malloc(size + 1); /* of its exact size, for the sanitizer */
    memcpy(text, data, size);
    text[size] = '\0';
    if (fields_parse(&f, text, size))
        check_fields(&f);
    assert(!f.code || f.message[0] != '\0');
    fields_free(&f);
    free(text);
    return 0;
}
