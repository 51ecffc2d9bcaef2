/* frame.h - one WebSocket message, encoded once with its header and shared by everybody who gets
 * it.
 *
 * Born with one reference, the maker's. Who keeps a frame (a connection's queue, a cache) takes its
 * own.
 */
#ifndef UNICHAT_HUB_FRAME_H
#define UNICHAT_HUB_FRAME_H

#include <stddef.h>
#include <stdint.h>

typedef struct frame {
    uint32_t refs;
    uint32_t len;
    uint8_t bytes[]; /* header and payload, ready for the socket */
} frame;

/* A text message. */
frame *frame_new(const char *text, size_t len) __attribute__((warn_unused_result));

/* A ping without payload. */
frame *frame_new_ping(void) __attribute__((warn_unused_result));

frame *frame_ref(frame *f);
void frame_unref(frame *f);

#endif
