/* Snapshots as text. One that is taken keeps its text, and sees everything before xmin and nothing
 * from xmax on. */
#include "db/snapshot.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    uint64_t xid;
    memcpy(text, data, size);
    text[size] = '\0';
    snapshot *s = snapshot_parse(text);
    if (s) {
        assert(strcmp(snapshot_text(s), text) == 0);
        assert(snapshot_sees(s, 0));
        assert(!snapshot_sees(s, snapshot_xmax(s)));
        assert(!snapshot_sees(s, UINT64_MAX));
        snapshot_free(s);
    }
    if (snapshot_parse_xid(text, &xid))
        assert(strspn(text, "0123456789") == strlen(text));
    free(text);
    return 0;
}
