/* Mistakes for clang-tidy to find, by the checks of .clang-tidy and with the flags of bridge/. scripts/static-checks.sh */
#include "base/mem.h"

double half(int n);
char *filled(void);

double half(int n)
{
    return n / 2; /* found: bugprone-integer-division */
}

char *filled(void)
{
    char *text = mem_alloc(3);

    for (float at = 0; at < 2; at += 1) /* found: cert-flp30-c */
        text[(int)at] = 'x';
    text[2] = '\0';
    return text;
}
