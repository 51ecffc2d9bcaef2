/* frame.c - see frame.h. */
#include "hub/frame.h"

#include "base/mem.h"
#include "protocol/ws_header.h"

#include <stdlib.h>
#include <string.h>

#define CONTROL_PAYLOAD_MAX 125u /* RFC 6455, 5.5 */

static frame *frame_make(unsigned opcode, const char *payload, size_t len)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header(header, opcode, len);
    frame *f = mem_raw(sizeof(*f) + header_len + len);

    f->refs = 1;
    f->len = (uint32_t)(header_len + len);
    memcpy(f->bytes, header, header_len);
    if (len)
        memcpy(f->bytes + header_len, payload, len);
    return f;
}

frame *frame_new(const char *text, size_t len)
{
    return frame_make(WS_TEXT, text, len);
}

frame *frame_new_ping(void)
{
    return frame_make(WS_PING, "unichat", 7);
}

frame *frame_new_close(unsigned code, const char *reason)
{
    char payload[CONTROL_PAYLOAD_MAX];
    size_t len = strnlen(reason, sizeof(payload) - 2);

    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    memcpy(payload + 2, reason, len);
    return frame_make(WS_CLOSE, payload, len + 2);
}

frame *frame_ref(frame *f)
{
    f->refs++;
    return f;
}

void frame_unref(frame *f)
{
    if (f && --f->refs == 0)
        free(f);
}
