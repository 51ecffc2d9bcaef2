/* A notification as anybody with a connection to the database may send it. What the reader takes
 * for a whole object is JSON for jansson too, because clients get it as it is; and a decoded text
 * is valid UTF-8 that fits. */
#include "base/text.h"
#include "protocol/flat_json.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const flat_member *m)
{
    char *out = malloc(m->value_len);
    int64_t len = flat_member_text(m, out);

    assert(len < (int64_t)m->value_len);
    if (len >= 0)
        assert(text_utf8_valid(out, (size_t)len) && strlen(out) == (size_t)len);
    free(out);
}

/* Escapes of half a surrogate pair and huge integers are JSON, but not for jansson. */
static bool jansson_takes_it(const char *text, size_t size)
{
    json_t *parsed = json_loadb(text, size, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    bool taken = json_is_object(parsed);

    json_decref(parsed);
    return taken || memmem(text, size, "\\ud", 3) || memmem(text, size, "\\uD", 3) || size > 300;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memcpy(malloc(size + 1), data, size);
    flat_json j;
    flat_member m;
    int64_t value;

    if (text_utf8_valid(text, size)) {
        flat_json_open(&j, text, size);
        while (flat_json_next(&j, &m)) {
            check_text(&m);
            (void)flat_member_int(&m, &value);
        }
        assert(!j.whole || jansson_takes_it(text, size));
    }
    free(text);
    return 0;
}
