/* ws_header.c - see ws_header.h. */
#include "protocol/ws_header.h"

#define WS_FINAL 0x80u

size_t ws_header(uint8_t out[WS_HEADER_MAX], unsigned opcode, size_t len)
{
    unsigned bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;

    out[0] = (uint8_t)(WS_FINAL | opcode);
    out[1] = (uint8_t)(bytes == 0 ? len : bytes == 2 ? 126 : 127);
    for (unsigned i = 0; i < bytes; i++)
        out[2 + i] = (uint8_t)((uint64_t)len >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}
