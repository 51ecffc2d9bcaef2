/* The worked examples of the Pusher documentation and of its server libraries, digit by digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/pusher_request.h"
#include "protocol/pusher_sign.h"

#define KEY "278d425bdf160c739803"
#define SECRET "7ad3773142a6692b25b8"

static void assert_auth(char *auth, const char *key, const char *signature)
{
    size_t key_len = strlen(key);

    assert_memory_equal(auth, key, key_len);
    assert_int_equal(auth[key_len], ':');
    assert_string_equal(auth + key_len + 1, signature);
    free(auth);
}

static void a_private_channel(void **state)
{
    (void)state;
    assert_auth(pusher_sign_channel(KEY, SECRET, "1234.1234", "private-foobar", NULL), KEY,
                "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4");
    assert_auth(pusher_sign_channel("k", "tofu", "123.456", "test", NULL), "k",
                "efa6cf7644a0b35cba36aa0f776f3cbf7bb60e95ea2696bde1dbe8403b61bd7c");
    assert_auth(pusher_sign_channel("k", "tofu", "123.456", "test", "{\"foo\":\"bar\"}"), "k",
                "f41faf9ead2ea76772cc6b1168363057459f02499ae4d92e88229dc7f4efa2d4");
    assert_auth(pusher_sign_channel("k", "tofu", "1.1", "test", "\"ą§¶™€łü€ß£\""), "k",
                "2a229263e89d9c50524fd80c2e88be2843379f6931e28995e2cc214282c9db0c");
}

static void a_presence_channel(void **state)
{
    (void)state;
    /* The documentation prints the second digest beside the first text. */
    assert_auth(pusher_sign_channel(KEY, SECRET, "1234.1234", "presence-foobar",
                                    "{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Channels\"}}"),
                KEY, "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80");
    assert_auth(pusher_sign_channel(KEY, SECRET, "1234.1234", "presence-foobar",
                                    "{\"user_id\":10,\"user_info\":{\"name\":\"Mr. Pusher\"}}"),
                KEY, "afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c");
}

static void a_user(void **state)
{
    (void)state;
    assert_auth(pusher_sign_user(KEY, SECRET, "1234.1234", "{\"id\":\"12345\"}"), KEY,
                "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba");
    assert_auth(pusher_sign_user("k", "tofu", "1.1", "{\"id\":\"ą§¶™€łü€ß£\"}"), "k",
                "620494cee53d6c568b49598313194088afda37218f0d059af03c0c898ed61ff4");
    assert_auth(pusher_sign_user("k", "tofu", "123.456", "{\"id\":\"45678\"}"), "k",
                "f4b1fdeea7c93e32648c7230e32b172057c5623cace6cfce791c6e7035e0babd");
}

static void a_webhook(void **state)
{
    static const char body[] =
        "{\"time_ms\":1327078148132,\"events\":[{\"name\":\"channel_occupied\","
        "\"channel\":\"my-channel\"}]}";
    static const char other[] =
        "{\"time_ms\":1403175510755,\"events\":[{\"channel\":\"test_channel\","
        "\"name\":\"channel_vacated\"}]}";
    char signature[PUSHER_SIGNATURE_SIZE];

    (void)state;
    pusher_sign(SECRET, body, strlen(body), signature);
    assert_string_equal(signature,
                        "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf");
    pusher_sign("tofu", other, strlen(other), signature);
    assert_string_equal(signature,
                        "c17257e92037cd7de407ebc1ed174ceb7b2e518db127f44411b9ffc4f5b28cc5");
}

static void presented_signatures_are_checked(void **state)
{
    char *good = pusher_sign_channel(KEY, SECRET, "1.2", "private-x", "{}");
    char *upper = pusher_sign_channel(KEY, SECRET, "1.2", "private-x", "{}");

    (void)state;
    upper[strlen(upper) - 1] ^= 1;
    assert_int_equal(pusher_check_channel(good, KEY, SECRET, "1.2", "private-x", "{}"),
                     PUSHER_AUTH_OK);
    assert_int_equal(pusher_check_channel(good, KEY, SECRET, "1.2", "private-x", NULL),
                     PUSHER_AUTH_WRONG_SIGNATURE);
    assert_int_equal(pusher_check_channel(good, KEY, SECRET, "1.3", "private-x", "{}"),
                     PUSHER_AUTH_WRONG_SIGNATURE);
    assert_int_equal(pusher_check_channel(upper, KEY, SECRET, "1.2", "private-x", "{}"),
                     PUSHER_AUTH_WRONG_SIGNATURE);
    assert_int_equal(pusher_check_channel(good, "other", SECRET, "1.2", "private-x", "{}"),
                     PUSHER_AUTH_WRONG_KEY);
    assert_int_equal(pusher_check_channel("", KEY, SECRET, "1.2", "private-x", "{}"),
                     PUSHER_AUTH_MISSING);
    assert_int_equal(pusher_check_channel(NULL, KEY, SECRET, "1.2", "private-x", "{}"),
                     PUSHER_AUTH_MISSING);
    assert_int_equal(pusher_check_user(good, KEY, SECRET, "1.2", "{}"),
                     PUSHER_AUTH_WRONG_SIGNATURE);
    free(good);
    free(upper);
}

static const char body[] =
    "{\"name\":\"foo\",\"channels\":[\"project-3\"],\"data\":\"{\\\"some\\\":\\\"data\\\"}\"}";

/* The documentation's POST /apps/3/events. */
static pusher_param post_params[] = {
    {"auth_key", KEY},
    {"auth_timestamp", "1353088179"},
    {"auth_version", "1.0"},
    {"body_md5", "ec365a775a4cd0599faeb73354201b6f"},
    {"auth_signature", "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"},
};

static pusher_request post_events(void)
{
    return (pusher_request){.method = "POST",
                            .path = "/apps/3/events",
                            .prefix = "",
                            .params = post_params,
                            .n_params = 5,
                            .body = body,
                            .body_len = strlen(body),
                            .now = 1353088179};
}

static void assert_refused(const pusher_request *r, const char *because)
{
    char *why = pusher_request_check(r, KEY, SECRET);

    assert_non_null(why);
    assert_non_null(strstr(why, because));
    assert_null(strstr(why, "da454824"));
    free(why);
}

static void a_request(void **state)
{
    pusher_request r = post_events();

    (void)state;
    assert_null(pusher_request_check(&r, KEY, SECRET));
    r.now += 600;
    assert_null(pusher_request_check(&r, KEY, SECRET));
    r.now += 1;
    assert_refused(&r, "Timestamp expired");
}

static void a_request_that_was_changed(void **state)
{
    pusher_request r = post_events();

    (void)state;
    r.body = "{}";
    r.body_len = 2;
    assert_refused(&r, "body_md5");
    r = post_events();
    r.path = "/apps/4/events";
    assert_refused(&r, "Invalid signature");
    r = post_events();
    r.method = "PUT";
    assert_refused(&r, "Invalid signature");
    r = post_events();
    r.n_params = 4;
    assert_refused(&r, "auth_signature is missing");
}

static void a_request_behind_a_prefix(void **state)
{
    pusher_request r = post_events();

    (void)state;
    r.path = "/chat/apps/3/events";
    r.prefix = "/chat";
    assert_null(pusher_request_check(&r, KEY, SECRET));
}

static void requests_without_a_body(void **state)
{
    pusher_param channels[] = {
        {"filter_by_prefix", "presence-"},
        {"info", "user_count"},
        {"auth_version", "1.0"},
        {"auth_key", KEY},
        {"auth_timestamp", "1353088179"},
        {"auth_signature", "16819168891cb5dfd72b5c7a5d3d602605b26c6ba1930033b5e2eeeb65010291"},
    };
    pusher_request r = {.method = "GET",
                        .path = "/apps/3/channels",
                        .prefix = "",
                        .params = channels,
                        .n_params = 6,
                        .body = "",
                        .now = 1353088179};

    (void)state;
    assert_null(pusher_request_check(&r, KEY, SECRET));
}

static void terminate_with_an_empty_object(void **state)
{
    pusher_param params[] = {
        {"auth_key", KEY},
        {"auth_timestamp", "1353088179"},
        {"auth_version", "1.0"},
        {"body_md5", "99914b932bd37a50b983c5e7c90ae93b"},
        {"auth_signature", "01fa634edeb0cae84115307cad5c23f65a46cd286461b1c89637a3b5871a8f0e"},
    };
    pusher_request r = {.method = "POST",
                        .path = "/apps/3/users/12345/terminate_connections",
                        .prefix = "",
                        .params = params,
                        .n_params = 5,
                        .body = "{}",
                        .body_len = 2,
                        .now = 1353088179};

    (void)state;
    assert_null(pusher_request_check(&r, KEY, SECRET));
}

/* From the Node library's own tests. */
static void parameters_are_sorted_and_lowered(void **state)
{
    pusher_param params[] = {{"foo", "bar"},          {"BAZ", "123454321"},
                             {"auth_version", "1.0"}, {"auth_timestamp", "1234567890"},
                             {"auth_key", "f00d"},    {"auth_signature", "whatever"}};
    char signature[PUSHER_SIGNATURE_SIZE];
    char *text = pusher_request_text("GET", "/event", params, 6);

    (void)state;
    assert_string_equal(text, "GET\n/event\nauth_key=f00d&auth_timestamp=1234567890&"
                              "auth_version=1.0&baz=123454321&foo=bar");
    pusher_sign("tofu", text, strlen(text), signature);
    assert_string_equal(signature,
                        "d8bdbd31911fb7400a14fbd36fd7de053494725b64400ae5856deafe304b34a9");
    free(text);
}

static void socket_ids(void **state)
{
    (void)state;
    assert_true(pusher_socket_id_valid("1.2") && pusher_socket_id_valid("208836.27464492"));
    assert_false(pusher_socket_id_valid("") || pusher_socket_id_valid("1") ||
                 pusher_socket_id_valid("1.") || pusher_socket_id_valid(".1") ||
                 pusher_socket_id_valid("1.2.3") || pusher_socket_id_valid("1.2:x") ||
                 pusher_socket_id_valid("1.2\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_channel),
        cmocka_unit_test(a_presence_channel),
        cmocka_unit_test(a_user),
        cmocka_unit_test(a_webhook),
        cmocka_unit_test(presented_signatures_are_checked),
        cmocka_unit_test(a_request),
        cmocka_unit_test(a_request_that_was_changed),
        cmocka_unit_test(a_request_behind_a_prefix),
        cmocka_unit_test(requests_without_a_body),
        cmocka_unit_test(terminate_with_an_empty_object),
        cmocka_unit_test(parameters_are_sorted_and_lowered),
        cmocka_unit_test(socket_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
