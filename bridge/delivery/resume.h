/* resume.h - sends a client what it has missed, and then what happens, without gap or repeat.
 *
 * The contract with clients is docs/events.md, "Resuming"; what is guaranteed when,
 * docs/delivery.md.
 *
 *     resume          the questions: which may be asked, how many at once, whose they are
 *     resume_run      the run of one resume: turns at the database, pages, pauses
 *     history         the pages themselves
 *     seam            where they end and live events go on
 *     resume_answer   what the client is told
 */
#ifndef UNICHAT_DELIVERY_RESUME_H
#define UNICHAT_DELIVERY_RESUME_H

#include "config/config.h"
#include "db/pool.h"
#include "db/snapshot.h"
#include "hub/hub.h"

#include <uv.h>

typedef struct resumes resumes;

/* Becomes the follower of the app. The pool must outlive the app's connections. */
resumes *resume_start(uv_loop_t *loop, const config *conf, db_pool *pool, hub_app *app)
    __attribute__((warn_unused_result));

/* Everything that the snapshot sees has been published. */
void resume_position(resumes *all, const snapshot *s);

/* Tells everybody on a channel of the chat to load everything anew. */
void resume_resync_all(resumes *all, const char *reason);

/* After the last connection, and after the pool. Frees. */
void resume_stop(resumes *all);

#endif
