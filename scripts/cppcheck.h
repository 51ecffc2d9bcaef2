/* cppcheck does not read the headers of uthash and utlist; their loops, for it alone. */
#define HASH_ITER(hh, head, el, tmp) for (tmp = 0, el = head; el; el = tmp)
#define DL_FOREACH(head, el) for (el = head; el; el = (el)->next)
#define DL_FOREACH_SAFE(head, el, tmp) for (tmp = 0, el = head; el; el = tmp)
#define DL_FOREACH_SAFE2(head, el, tmp, next) for (tmp = 0, el = head; el; el = tmp)
#define LL_FOREACH(head, el) for (el = head; el; el = (el)->next)
