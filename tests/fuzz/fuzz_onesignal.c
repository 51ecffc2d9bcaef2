/* OneSignal's answer as anybody may send it: first byte the status' class, then the body. The
 * result is always bounded, valid UTF-8 and without control characters, because it goes into the
 * database and the log. */
#include "base/text.h"
#include "push/onesignal.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    assert(len < size);
    assert(text_utf8_valid(text, len));
    for (size_t i = 0; i < len; i++)
        assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 202, 301, 400, 403, 429, 503};
    push_result result;

    if (size == 0)
        return 0;
    onesignal_result(statuses[data[0] & 7], (const char *)data + 1, size - 1, -1, NULL, &result);
    assert(result.outcome <= PUSH_RELEASED);
    assert((result.outcome == PUSH_SENT) == (result.provider_id[0] != '\0'));
    check_text(result.provider_id, sizeof(result.provider_id));
    check_text(result.error, sizeof(result.error));
    return 0;
}
