/* Which servers the bridge warns about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/session.h"

static void each_major_version_has_its_own_fix(void **state)
{
    static const int safe[] = {150016, 150020, 160012, 170008, 180002, 190000};
    static const int unsafe[] = {140030, 150000, 150015, 160000, 160011, 170007, 180001};

    (void)state;
    for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
        assert_true(session_version_is_safe(safe[i]));
    for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
        assert_false(session_version_is_safe(unsafe[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_major_version_has_its_own_fix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
