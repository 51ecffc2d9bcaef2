/* test_map.c - the hash, and tables that grow, shrink, collide and are emptied half. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/siphash.h"

#define MANY 5000

typedef struct thing {
    uint64_t hash;
    bool in; /* the map, as it should be */
    int number;
} thing;

static thing things[MANY];

static bool has_number(const void *item, const void *key)
{
    return ((const thing *)item)->number == *(const int *)key;
}

static thing *find(const map *m, int number)
{
    return map_find(m, things[number].hash, has_number, &number);
}

/* Every thing is found if it is in, and is not if it is out; walking over the map meets the same.
 */
static void check(const map *m)
{
    size_t in = 0, met = 0, at = 0;
    const thing *t;

    for (int i = 0; i < MANY; i++) {
        assert_ptr_equal(find(m, i), things[i].in ? &things[i] : NULL);
        in += things[i].in;
    }
    while ((t = map_next(m, &at))) {
        assert_true(t->in);
        met++;
    }
    assert_int_equal(m->count, in);
    assert_int_equal(met, in);
}

static void put_in(map *m, int number)
{
    map_add(m, things[number].hash, &things[number]);
    things[number].in = true;
}

static void take_out(map *m, int number)
{
    map_remove(m, things[number].hash, &things[number]);
    things[number].in = false;
}

/* Hashes of which only these bits differ. */
static void make_things(uint64_t bits)
{
    srand(1);
    for (int i = 0; i < MANY; i++)
        things[i] = (thing){.number = i, .hash = map_hash(&i, sizeof(i)) & bits};
}

/* What a hash is was taken from CPython 3.11, whose hash() of bytes it is with PYTHONHASHSEED=0. */
static void the_hash_is_siphash_1_3(void **state)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } known[] = {
        {"a", UINT64_C(0x407448d2b89b1813)},
        {"abcdefg", UINT64_C(0x6db12aae9070f506)},
        {"abcdefgh", UINT64_C(0x3f7b849c0b8e35ea)},
        {"abcdefghi", UINT64_C(0xf89b34a3d11eb6e5)},
        {"player-fan4711", UINT64_C(0xd01471f380b80ecb)},
    };
    static const uint64_t key[2] = {0, 0}, other[2] = {0, 1};

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_true(siphash(key, known[i].text, strlen(known[i].text)) == known[i].hash);
    assert_true(siphash(other, "a", 1) != known[0].hash);
    assert_true(siphash(key, "a", 2) != known[0].hash);
}

static void an_empty_map_has_nothing(void **state)
{
    map m = {0};
    size_t at = 0;
    int number = 1;

    (void)state;
    make_things(UINT64_MAX);
    assert_null(find(&m, number));
    assert_null(map_next(&m, &at));
    map_remove(&m, 1, &number);
    map_clear(&m);
}

static void come_and_go(uint64_t bits, int count)
{
    map m = {0};

    make_things(bits);
    for (int i = 0; i < count; i++)
        put_in(&m, i);
    check(&m);
    for (int round = 0; round < 4 * count; round++) {
        int i = rand() % count;
        if (things[i].in)
            take_out(&m, i);
        else
            put_in(&m, i);
    }
    check(&m);
    for (int i = 0; i < count; i++)
        if (things[i].in && i % 97 != 0)
            take_out(&m, i);
    check(&m);
    assert_true(m.size <= 8 * (m.count + 1) || m.size == 8);
    map_clear(&m);
}

static void things_come_and_go(void **state)
{
    (void)state;
    come_and_go(UINT64_MAX, MANY);
}

/* All at the end of the table, so that they go on at its beginning; and with equal hashes. */
static void things_that_collide_come_and_go(void **state)
{
    (void)state;
    come_and_go(UINT64_C(0xffffff) << 40, 300);
    come_and_go(0, 300);
    for (int i = 0; i < 8; i++)
        come_and_go(7 << i, 200);
}

static void taking_out_what_is_not_in_changes_nothing(void **state)
{
    map m = {0};

    (void)state;
    make_things(3);
    for (int i = 0; i < 10; i++)
        put_in(&m, i);
    take_out(&m, 20);
    check(&m);
    map_clear(&m);
}

static bool is_odd(void *arg, void *item)
{
    thing *t = item;

    ++*(int *)arg;
    t->in = t->number % 2 == 0;
    return !t->in;
}

static void a_filter_asks_of_each_once(void **state)
{
    map m = {0};
    int asked = 0;

    (void)state;
    make_things(UINT64_MAX);
    for (int i = 0; i < MANY; i++)
        put_in(&m, i);
    map_filter(&m, is_odd, &asked);
    assert_int_equal(asked, MANY);
    check(&m);
    map_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_siphash_1_3),
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(things_come_and_go),
        cmocka_unit_test(things_that_collide_come_and_go),
        cmocka_unit_test(taking_out_what_is_not_in_changes_nothing),
        cmocka_unit_test(a_filter_asks_of_each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
