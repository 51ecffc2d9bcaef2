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

/* A ping. It has a payload, because libwebsockets does not tell of a pong without one. */
frame *frame_new_ping(void) __attribute__((warn_unused_result));

/* A Close frame; a reason that is too long for one is cut. */
frame *frame_new_close(unsigned code, const char *reason) __attribute__((warn_unused_result));

frame *frame_ref(frame *f);
void frame_unref(frame *f);

#endif
