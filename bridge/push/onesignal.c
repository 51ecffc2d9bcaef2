/* onesignal.c - requests to OneSignal and what its answers mean.
 *
 * The answer's texts are not a contract, and `errors` comes in three shapes, so the decision rests
 * on the status and on whether `id` is empty; texts are kept for people.
 *
 *     status           id          outcome
 *     2xx              non-empty   sent (what `errors` says of single devices is kept)
 *     2xx              ""          no_recipients: nobody is subscribed; the key is used up, so
 *                                  never again with it
 *     2xx              none        retry: not OneSignal's answer, perhaps a proxy's
 *     401, 403                     refused: the key, not the row
 *     408, 425                     retry
 *     429                          retry, and all others wait as well
 *     5xx, no answer               retry: it may have been carried out, which the idempotency key
 *                                  makes harmless
 *     any other                    failed
 */
#include "push/onesignal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "push/push_text.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TARGETS 2000
#define MAX_NAME_CHARS 40   /* of about 50 that a title shows */
#define MAX_DATA_BYTES 2048 /* OneSignal refuses more */
#define MAX_SHOWN_BYTES                                                                            \
    1500 /* title, text, data and link: push services cap their sum, encrypted, near 4 kB */
#define MIN_TEXT_CHARS 20

/* ---- who is told ---- */

static bool each_target(const char *list, bool (*take)(void *arg, const char *id, size_t len),
                        void *arg)
{
    size_t count = 0;

    for (;;) {
        size_t len = strcspn(list, ",");

        if (len == 0 || ++count > MAX_TARGETS || !take(arg, list, len))
            return false;
        if (list[len] == '\0')
            return true;
        list += len + 1;
    }
}

static bool any_id(void *arg, const char *id, size_t len)
{
    (void)arg;
    (void)id;
    return len <= 128;
}

static bool uuid(void *arg, const char *id, size_t len)
{
    (void)arg;
    for (size_t i = 0; i < len; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? id[i] != '-'
                                                    : !isxdigit((unsigned char)id[i]))
            return false;
    return len == 36;
}

static bool append_id(void *arg, const char *id, size_t len)
{
    return json_array_append_new(arg, json_stringn(id, len)) == 0;
}

/* The part behind `kind:`, NULL when the target is of another kind. */
static const char *target_of(const char *target, const char *kind)
{
    size_t len = strlen(kind);

    return strncmp(target, kind, len) == 0 && target[len] == ':' ? target + len + 1 : NULL;
}

bool onesignal_target_valid(const char *target)
{
    const char *rest;

    if (!text_utf8_valid(target, strlen(target)))
        return false;
    if ((rest = target_of(target, "segment")))
        return *rest != '\0';
    if ((rest = target_of(target, "tag")))
        return *rest != '\0' && *rest != '=' && strchr(rest, '=');
    if ((rest = target_of(target, "external_id")))
        return each_target(rest, any_id, NULL);
    if ((rest = target_of(target, "subscription")))
        return each_target(rest, uuid, NULL);
    return false;
}

static json_t *id_list(const char *list)
{
    json_t *ids = json_array();

    each_target(list, append_id, ids);
    return ids;
}

static json_t *tag_filter(const char *tag)
{
    const char *value = strchr(tag, '=');

    return json_pack("[{s:s, s:s%, s:s, s:s}]", "field", "tag", "key", tag, (size_t)(value - tag),
                     "relation", "=", "value", value + 1);
}

/* Exactly one family of targets: OneSignal refuses two. */
static void put_target(json_t *body, const char *target)
{
    const char *rest;

    if ((rest = target_of(target, "segment")))
        json_object_set_new(body, "included_segments", json_pack("[s]", rest));
    else if ((rest = target_of(target, "tag")))
        json_object_set_new(body, "filters", tag_filter(rest));
    else if ((rest = target_of(target, "external_id")))
        json_object_set_new(body, "include_aliases",
                            json_pack("{s:o}", "external_id", id_list(rest)));
    else if ((rest = target_of(target, "subscription")))
        json_object_set_new(body, "include_subscription_ids", id_list(rest));
}

/* ---- what is shown ---- */

static bool is_digest(const push_item *item)
{
    return strcmp(item->kind, "digest") == 0;
}

/* "[HIGH] " and the like; nothing where there is nothing special. */
static void put_urgency(buf *title, const char *urgency)
{
    if (strcmp(urgency, "normal") == 0)
        return;
    buf_putc(title, '[');
    for (; *urgency != '\0'; urgency++)
        buf_putc(title, (char)toupper((unsigned char)*urgency));
    buf_puts(title, "] ");
}

/* By the name, or where the app gave none, by the player's id. */
static const char *player_of(const push_item *item)
{
    return *item->player_name != '\0' ? item->player_name : item->player_id;
}

static char *make_title(const onesignal_options *options, const push_item *item)
{
    buf title = {0};

    if (is_digest(item)) {
        buf_printf(&title, "%lld %s waiting", (long long)item->waiting,
                   item->waiting == 1 ? "chat" : "chats");
        return buf_take(&title);
    }
    put_urgency(&title, item->urgency);
    buf_puts(&title, "New chat");
    if (options->preview != ONESIGNAL_PREVIEW_NONE) {
        char *name = push_text_line(player_of(item), MAX_NAME_CHARS);

        buf_printf(&title, " - %s", name);
        free(name);
    }
    return buf_take(&title);
}

static char *make_text(const onesignal_options *options, const push_item *item, size_t chars)
{
    char *text;

    if (is_digest(item))
        return mem_printf("The first has waited for %lld min.", (long long)(item->oldest_s / 60));
    if (options->preview == ONESIGNAL_PREVIEW_FULL) {
        text = push_text_line(item->message, chars);
        if (*text != '\0')
            return text;
        free(text);
    }
    return mem_strdup("A player waits for an answer.");
}

/* What the device gets besides: the row's own fields, under ours, unless that is more than
 * OneSignal takes. */
static json_t *make_data(const onesignal_options *options, const push_item *item)
{
    json_t *ours = json_object();
    json_t *all = json_loads(item->data, JSON_REJECT_DUPLICATES, NULL);

    json_object_set_new(ours, "t",
                        json_string(is_digest(item) ? "chats-waiting" : "new-chat-request"));
    json_object_set_new(ours, "urgency", json_string(item->urgency));
    if (is_digest(item))
        json_object_set_new(ours, "waiting", json_integer(item->waiting));
    else
        json_object_set_new(ours, "requestId", json_string(item->request_id));
    if (!is_digest(item) && options->preview != ONESIGNAL_PREVIEW_NONE)
        json_object_set_new(ours, "playerId", json_string(item->player_id));

    if (!json_is_object(all) || options->preview == ONESIGNAL_PREVIEW_NONE) {
        json_decref(all);
        return ours;
    }
    json_object_update(all, ours);
    if (json_dumpb(all, NULL, 0, JSON_COMPACT) > MAX_DATA_BYTES) {
        json_decref(all);
        return ours;
    }
    json_decref(ours);
    return all;
}

static char *make_link(const onesignal_options *options, const push_item *item)
{
    if (*options->portal_url == '\0')
        return NULL;
    if (is_digest(item))
        return mem_strdup(options->portal_url);
    return mem_printf("%s#/request/%s", options->portal_url, item->request_id);
}

static size_t json_size(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* The text is what gives way when title, data and link leave little room. */
static void put_texts(json_t *body, const onesignal_options *options, const push_item *item)
{
    char *title = make_title(options, item);
    char *link = make_link(options, item);
    json_t *data = make_data(options, item);
    size_t fixed = strlen(title) + (link ? strlen(link) : 0) + json_size(data);
    size_t chars = options->preview_length;
    char *text = make_text(options, item, chars);

    while (fixed + strlen(text) > MAX_SHOWN_BYTES && chars > MIN_TEXT_CHARS) {
        free(text);
        chars = chars / 2 > MIN_TEXT_CHARS ? chars / 2 : MIN_TEXT_CHARS;
        text = make_text(options, item, chars);
    }
    json_object_set_new(body, "headings", json_pack("{s:s}", "en", title));
    json_object_set_new(body, "contents", json_pack("{s:s}", "en", text));
    json_object_set_new(body, "data", data);
    if (link)
        json_object_set_new(body, "web_url", json_string(link));
    free(title);
    free(text);
    free(link);
}

/* ---- how it arrives ---- */

static const char *interruption_level(const char *urgency)
{
    if (strcmp(urgency, "urgent") == 0 || strcmp(urgency, "high") == 0)
        return "time_sensitive";
    return strcmp(urgency, "low") == 0 ? "passive" : "active";
}

/* Without a topic of its own, each web push would replace the one before it on the screen. */
static void put_delivery(json_t *body, const onesignal_options *options, const push_item *item)
{
    bool low = strcmp(item->urgency, "low") == 0;
    char *topic = is_digest(item) ? mem_strdup("digest") : mem_printf("req-%s", item->request_id);
    char *name = is_digest(item) ? mem_strdup("unichat digest")
                                 : mem_printf("unichat req %s", item->request_id);

    json_object_set_new(body, "priority", json_integer(low ? 5 : 10));
    json_object_set_new(body, "ttl", json_integer(options->ttl_s));
    json_object_set_new(body, "collapse_id", json_string(topic));
    json_object_set_new(body, "web_push_topic", json_string(topic));
    json_object_set_new(body, "ios_interruption_level",
                        json_string(interruption_level(item->urgency)));
    json_object_set_new(body, "name", json_string(name));
    json_object_set_new(body, "idempotency_key", json_string(item->idempotency_key));
    free(topic);
    free(name);
}

char *onesignal_body(const onesignal_options *options, const push_item *item)
{
    json_t *body = json_pack("{s:s, s:s}", "app_id", options->app_id, "target_channel", "push");
    char *text;

    put_target(body, options->target);
    put_texts(body, options, item);
    put_delivery(body, options, item);
    text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

/* ---- what came back ---- */

static push_outcome outcome_of(int status, const json_t *answer)
{
    const json_t *id = json_object_get(answer, "id");

    if (status == 0 || status >= 500 || status == 408 || status == 425 || status == 429)
        return PUSH_RETRY;
    if (status == 401 || status == 403)
        return PUSH_REFUSED;
    if (status < 200 || status >= 300)
        return PUSH_FAILED;
    if (!json_is_string(id))
        return PUSH_RETRY;
    return json_string_length(id) > 0 ? PUSH_SENT : PUSH_NO_RECIPIENTS;
}

/* `errors` as OneSignal sent it, whatever its shape; else the body as it came; else why there was
 * no answer. */
static void keep_error(push_result *result, const json_t *answer, const char *body, size_t len,
                       const char *transport_error)
{
    const json_t *errors = json_object_get(answer, "errors");
    char *text;

    if (transport_error) {
        push_text_foreign(result->error, sizeof(result->error), transport_error,
                          strlen(transport_error));
    } else if (errors && !json_is_null(errors)) {
        text = json_dumps(errors, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text)
            push_text_foreign(result->error, sizeof(result->error), text, strlen(text));
        free(text);
    } else if (result->outcome != PUSH_SENT) {
        push_text_foreign(result->error, sizeof(result->error), body, len);
        if (len == 0)
            snprintf(result->error, sizeof(result->error), "status %d without a word",
                     result->http_status);
    }
}

void onesignal_result(int status, const char *body, size_t len, int64_t retry_after_ms,
                      const char *transport_error, push_result *result)
{
    json_t *answer = status == 0 ? NULL : json_loadb(body, len, JSON_ALLOW_NUL, NULL);
    const json_t *id = json_object_get(answer, "id");

    *result = (push_result){.http_status = status, .retry_after_ms = retry_after_ms};
    result->outcome = outcome_of(status, answer);
    result->unreachable = status == 0 || status >= 500;
    result->throttled = status == 429;
    if (result->outcome == PUSH_SENT)
        push_text_foreign(result->provider_id, sizeof(result->provider_id), json_string_value(id),
                          json_string_length(id));
    keep_error(result, answer, body, len, transport_error);
    json_decref(answer);
}
