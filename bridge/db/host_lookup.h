/* host_lookup.h - the database's hosts with their addresses, without holding up the loop. For db/
 * alone.
 */
#ifndef UNICHAT_DB_HOST_LOOKUP_H
#define UNICHAT_DB_HOST_LOOKUP_H

#include "db/host_order.h"

#include <stdint.h>
#include <uv.h>

typedef struct host_lookup host_lookup;

/* `hosts` has every address of every host in the configured order, and lives until the callback
 * returns. With none of them `problem` says why; it is NULL where libpq is to take what is
 * configured. */
typedef void host_lookup_done(void *arg, const db_hosts *hosts, const char *problem);

/* Looks up what is configured. What has no answer after `timeout_ms` is left out, with a line in
 * the log. `done` is called exactly once, from the loop and never from within this function, unless
 * the lookup is cancelled. It frees itself. */
host_lookup *host_lookup_start(uv_loop_t *loop, const char *who, const char *database,
                               uint64_t timeout_ms, host_lookup_done *done, void *arg)
    __attribute__((warn_unused_result));

/* Gives it up; its callback is not called any more. Not from within that callback. */
void host_lookup_cancel(host_lookup *lookup);

#endif
