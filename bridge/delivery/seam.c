/* seam.c - see seam.h.
 *
 *     client                     bridge                                      database
 *     resume after 15  ───────▶  hold the subscription
 *                                read behind 15  ─────────────────────────▶  16 … 20
 *                      ◀───────  16 … 20       (20 and 21 are published: kept as late)
 *                                the page was not full: this is the end
 *                      ◀───────  21            (late; 20 has been sent)
 *                      ◀───────  resumed
 *                                (21 and 22 are published: 21 has been sent)
 *                      ◀───────  22
 *                                all that the page saw has been published: open the subscription
 *
 * Nothing is left out: what was published before the hold was committed before the page was read,
 * so it is in the page; what is published after it is late or, after the end, goes out directly.
 *
 * Nothing is sent twice: the listening session may be far behind the table, above all after it was
 * lost. So also after the end, what the history has handed out is known by (player, seq) and
 * dropped, until a snapshot that covers the last page's is told to have been published whole. What
 * was sent live is not noted there: it is published once, and one that it has overtaken is still
 * lacking.
 *
 *     history ends at 17                    18 and 19 commit, told of by different sessions
 *                      ◀───────  19         heard first
 *                      ◀───────  18         newer than 17: the client lacks it
 */
#include "delivery/seam.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

typedef struct late {
    struct late *prev, *next;
    frame *frame;
    int64_t seq;
    char player_id[];
} late;

struct seam {
    const history *history;
    late *late;
    size_t bytes, max;
    bool lost;
    bool ended;
};

seam *seam_new(const history *h, size_t max)
{
    seam *s = mem_new(seam);
    s->history = h;
    s->max = max;
    return s;
}

static void drop_late(seam *s)
{
    late *l, *tmp;
    DL_FOREACH_SAFE (s->late, l, tmp) {
        DL_DELETE(s->late, l);
        frame_unref(l->frame);
        free(l);
    }
    s->bytes = 0;
}

void seam_free(seam *s)
{
    drop_late(s);
    free(s);
}

static void keep(seam *s, const char *player_id, int64_t seq, frame *f)
{
    late *l = mem_alloc(sizeof(*l) + strlen(player_id) + 1);
    strcpy(l->player_id, player_id);
    l->seq = seq;
    l->frame = frame_ref(f);
    s->bytes += f->len;
    DL_APPEND(s->late, l);
}

bool seam_take(seam *s, const char *player_id, int64_t seq, frame *f)
{
    if (s->ended)
        return !history_has(s->history, player_id, seq);
    if (s->lost)
        return false;
    if (s->bytes + f->len <= s->max) {
        keep(s, player_id, seq, f);
    } else {
        drop_late(s);
        s->lost = true;
    }
    return false;
}

void seam_move(seam *from, seam *to)
{
    to->late = from->late;
    to->bytes = from->bytes;
    to->lost = from->lost;
    from->late = NULL;
    from->bytes = 0;
}

size_t seam_bytes(const seam *s)
{
    return s->bytes;
}

bool seam_lost(seam *s)
{
    bool lost = s->lost;
    s->lost = false;
    return lost;
}

unsigned seam_end(seam *s, seam_send *send, void *arg)
{
    const late *l;
    unsigned sent = 0;
    DL_FOREACH (s->late, l) {
        if (history_has(s->history, l->player_id, l->seq))
            continue;
        send(arg, l->frame);
        sent++;
    }
    drop_late(s);
    s->ended = true;
    return sent;
}

void seam_release(seam *s, seam_send *send, void *arg)
{
    const late *l;
    DL_FOREACH (s->late, l)
        send(arg, l->frame);
    drop_late(s);
}

bool seam_is_past(const seam *s, const snapshot *published)
{
    return s->ended && snapshot_covers(published, history_seen(s->history));
}
