/* ws_header.h - the header of a WebSocket frame from a server (RFC 6455, 5.2): whole, unmasked.
 * Pure. */
#ifndef UNICHAT_PROTOCOL_WS_HEADER_H
#define UNICHAT_PROTOCOL_WS_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define WS_HEADER_MAX 10

enum { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* Writes the header of a frame with `len` bytes of payload; returns its own size. */
size_t ws_header(uint8_t out[WS_HEADER_MAX], unsigned opcode, size_t len);

#endif
