/* process.c - see process.h. The notification protocol is one datagram, so it needs no library. */
#include "base/process.h"
#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* libwebsockets keeps a table of as many entries as files may be open, and walks it whenever it
 * closes a connection; and takes an unlimited number for 2,560. */
#define OPEN_FILES 65536
#define OPEN_FILES_MOST 1048576

static rlim_t at_most(rlim_t files, rlim_t most)
{
    return files < most ? files : most;
}

void process_raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < OPEN_FILES)
        limit.rlim_cur = at_most(limit.rlim_max, OPEN_FILES);
    limit.rlim_cur = at_most(limit.rlim_cur, OPEN_FILES_MOST);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warning("event=open_files_limit errno=%d", errno);
    getrlimit(RLIMIT_NOFILE, &limit);
    log_info("event=open_files_limit files=%llu", (unsigned long long)limit.rlim_cur);
}

unsigned process_open_files(void)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    return (unsigned)at_most(limit.rlim_cur, OPEN_FILES_MOST);
}

void process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
        return;
    size_t len = strlen(path);
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
        log_warning("event=notify_failed state=%s errno=%d", state, errno);
    close(fd);
}
