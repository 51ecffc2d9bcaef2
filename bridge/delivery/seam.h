/* seam.h - where history ends and live events go on: neither a gap nor a repeat.
 *
 *     history   what is read from the table of events (history.h)
 *     live      what is published, in order; each event once
 *     late      live, and kept because the history before it is not through yet
 *
 *     seam_new() ─▶ live events are kept ─seam_end()─▶ they are told to be sent, or not to be
 *
 * What is kept has a limit in bytes. When it is reached all of it is dropped, because it is in the
 * table too: seam_lost() then says so, and the history has to be read on before it can end.
 */
#ifndef UNICHAT_DELIVERY_SEAM_H
#define UNICHAT_DELIVERY_SEAM_H

#include "delivery/history.h"
#include "hub/frame.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct seam seam;

typedef void seam_send(void *arg, frame *f);

/* To a history, which must outlive it. At most `max` bytes of frames are kept. The caller frees
 * with seam_free(). */
seam *seam_new(const history *h, size_t max) __attribute__((warn_unused_result));
void seam_free(seam *s);

/* A live event. True: it is to be sent now. False: it is kept, or the client has it. */
bool seam_take(seam *s, const char *player_id, int64_t seq, frame *f)
    __attribute__((warn_unused_result));

/* What is kept moves to `to`, which keeps nothing yet. */
void seam_move(seam *from, seam *to);

/* Bytes that seam_end() sends, at most. */
size_t seam_bytes(const seam *s);

/* Whether something was dropped since the last call: then the history must be read on from where it
 * ended, for it is there now. */
bool seam_lost(seam *s) __attribute__((warn_unused_result));

/* The history is through, and nothing is lost: sends what is kept and was not in it, and from now
 * on keeps nothing. Returns how many were sent. */
unsigned seam_end(seam *s, seam_send *send, void *arg);

/* The history cannot go on: sends all that is kept, and the client drops what it then has twice. */
void seam_release(seam *s, seam_send *send, void *arg);

/* After seam_end(): whether nothing that the history has handed out can still be published, when
 * everything that `published` sees has been. Then live events need not pass here any more. */
bool seam_is_past(const seam *s, const snapshot *published);

#endif
