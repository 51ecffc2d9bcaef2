/* A configuration file. It is taken, or every mistake has words; a reload of it changes nothing. */
#include "base/log.h"
#include "config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool accept(void *arg)
{
    (void)arg;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Secrets may be in files, and some files never end. */
static bool names_a_file(const uint8_t *data, size_t size)
{
    return memmem(data, size, "_file", 5) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    static char path[64];
    buf problems = {0};
    config *c;

    log_set_level(LOG_LEVEL_ERROR);
    if (file < 0) {
        file = memfd_create("unichat-bridge.conf", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    if (names_a_file(data, size) || ftruncate(file, 0) != 0 ||
        pwrite(file, data, size, 0) != (ssize_t)size)
        return -1;
    c = config_load(path, &problems);
    assert((!c) == (problems.len > 0));
    if (c) {
        assert(c->app_count >= 1 && strcmp(c->path, path) == 0);
        assert(config_reload(c, accept, NULL, &problems) && problems.len == 0);
        config_free(c);
    }
    buf_free(&problems);
    return 0;
}
