#include "hub/frame.h"

#include "base/mem.h"
#include "protocol/ws_header.h"

#include <stdlib.h>
#include <string.h>

static frame *frame_make(unsigned opcode, const char *payload, size_t len)
{
    uint8_t header[WS_HEADER_MAX];
    size_t header_len = ws_header(header, opcode, len);
    frame *f = mem_alloc(sizeof(*f) + header_len + len);

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
    return frame_make(WS_PING, NULL, 0);
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
