/* Comparisons that scripts/check-secrets.sh must find, and that it must not. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

bool text_equal_secret(const char *a, size_t a_len, const char *b, size_t b_len);
bool compare(const char *given, const char *secret, const char *signature, const char *name);

bool compare(const char *given, const char *secret, const char *signature, const char *name)
{
    struct {
        const char *mac, *kind;
    } it = {given, name};
    bool same = strcmp(given, secret) == 0; /* found */

    same |= memcmp(it.mac, given, 32) == 0; /* found */
    same |= name != NULL && /* found */
            strncasecmp(given,
                        signature, strlen(given)) == 0;
    if (bcmp(given, secret, 4) == 0) { /* found */
        return false;
    }
    same |= strcmp(name, "secret") == 0;
    same |= strcmp(it.kind, "signature") == 0;
    same |= strcmp(name, given) == 0;
    return same | text_equal_secret(given, strlen(given), secret, strlen(secret));
}
