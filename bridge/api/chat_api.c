/* chat_api.c - /api/unified-chat/: send, history, queue, status, read marks, blocking.
 *
 * The rules are the database's; here a request is checked for who asks and for the types of its
 * fields, and becomes one statement. A player's token speaks for that player alone.
 */
#include "api/api.h"
#include "api/respond.h"
#include "api/throttle.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define PLAYER_ID_MAX 128
#define TEXT_MAX                                                                                   \
    65536 /* the database counts characters; this only keeps the absurd away from it               \
           */
#define PAGE_MAX 200
#define QUEUE_MAX 1000

/* ---- send ---- */

static const db_stmt send_stmt = {
    "send",
    "SELECT $1::text AS player_id, $3::text AS sender,"
    " message_id, request_id, seq, status, is_new_request, is_replay, \"timestamp\""
    " FROM unichat_send($1, $2, $3, $4, $5, $6, $7, $8::bigint)",
    8};

static const member sent_members[] = {{"messageId", "message_id", MEMBER_ID},
                                      {"requestId", "request_id", MEMBER_ID},
                                      {"seq", "seq", MEMBER_NUMBER},
                                      {"status", "status", MEMBER_TEXT},
                                      {"isNewRequest", "is_new_request", MEMBER_BOOL},
                                      {"isReplay", "is_replay", MEMBER_BOOL},
                                      {"timestamp", "timestamp", MEMBER_TIME},
                                      {0}};

static void answer_sent(const api *a, http_request *req, PGresult *rows)
{
    bool replay = *db_text(rows, 0, "is_replay") == 't';
    if (replay && strcmp(db_text(rows, 0, "sender"), "player") == 0)
        throttle_return_message(a, db_text(rows, 0, "player_id"));
    http_respond_json(req, replay ? 200 : 201, row_object(rows, 0, sent_members));
}

/* Whose conversation it is. NULL after a mistake, or after 403 was answered (then *answered is
 * set). */
static const char *player_of_send(http_request *req, fields *f, const caller *who, bool *answered)
{
    const char *player = who->role == CALLER_STAFF
                             ? fields_required_text(f, "playerId", PLAYER_ID_MAX)
                             : fields_text(f, "playerId", PLAYER_ID_MAX);
    if (who->role == CALLER_STAFF || f->code)
        return player;
    if (!player || strcmp(player, who->sub) == 0)
        return who->sub;
    http_respond_error(req, 403, "forbidden", "playerId", "the token is another player's");
    *answered = true;
    return NULL;
}

/* A player cannot write as the staff; the staff writes as nothing else. */
static bool sender_is_fine(http_request *req, fields *f, const caller *who)
{
    const char *sender = fields_text(f, "sender", PLAYER_ID_MAX);
    if (!sender || strcmp(sender, caller_role_name(who->role)) == 0)
        return true;
    if (f->code)
        return true;
    http_respond_error(req, 403, "forbidden", "sender", "the token speaks as %s alone",
                       caller_role_name(who->role));
    return false;
}

static void send_for(const api *a, http_request *req, fields *f, const caller *who)
{
    bool answered = false;
    char request_id[24];
    bool staff = who->role == CALLER_STAFF;
    const char *player = player_of_send(req, f, who, &answered);
    if (answered || !sender_is_fine(req, f, who))
        return;
    const char *name = fields_text(f, "playerName", TEXT_MAX);
    if (!staff && *who->name != '\0') /* what the app has signed is not the player's to change */
        name = who->name;
    const char *values[] = {
        player,
        fields_required_text(f, "message", TEXT_MAX),
        caller_role_name(who->role),
        who->sub,
        fields_text(f, "clientMessageId", TEXT_MAX),
        name,
        fields_text(f, "urgency", TEXT_MAX),
        fields_id(f, "requestId", request_id) ? request_id : NULL,
    };
    if (body_is_fine(req, f) && throttle_message(a, req, who))
        api_query(a, req, &(api_subject){.player = player}, &send_stmt, values, answer_sent);
}

static void handle_send(http_request *req, void *arg)
{
    const api *a = arg;
    fields f;
    caller *who = api_caller(a, req);
    if (!who)
        return;
    if (body_read(req, &f)) {
        send_for(a, req, &f, who);
        fields_free(&f);
    }
    caller_free(who);
}

/* ---- requests ---- */

static const member request_members[] = {{"requestId", "request_id", MEMBER_ID},
                                         {"playerId", "player_id", MEMBER_TEXT},
                                         {"playerName", "player_name", MEMBER_TEXT},
                                         {"status", "status", MEMBER_TEXT},
                                         {"urgency", "urgency", MEMBER_TEXT},
                                         {"assignedTo", "assigned_to", MEMBER_TEXT},
                                         {"createdAt", "created_at", MEMBER_TIME},
                                         {"updatedAt", "updated_at", MEMBER_TIME},
                                         {"waitingSince", "waiting_since", MEMBER_TIME},
                                         {"firstResponseAt", "first_response_at", MEMBER_TIME},
                                         {"resolvedAt", "resolved_at", MEMBER_TIME},
                                         {"lastMessage", "last_message", MEMBER_TEXT},
                                         {"lastMessageSender", "last_message_sender", MEMBER_TEXT},
                                         {"lastMessageAt", "last_message_at", MEMBER_TIME},
                                         {"unread", "unread", MEMBER_NUMBER},
                                         {"waitSeconds", "wait_seconds", MEMBER_REAL},
                                         {"lastSeq", "last_seq", MEMBER_NUMBER},
                                         {0}};

static const db_stmt requests_stmt = {
    "requests", "SELECT * FROM unichat_requests($1::text[], $2, $3::int, NULL::text)", 3};

static void answer_requests(const api *a, http_request *req, PGresult *rows)
{
    (void)a;
    char now[CLOCK_RFC3339_SIZE];
    json_t *list = json_array();
    for (int i = 0; i < PQntuples(rows); i++)
        json_array_append_new(list, row_object(rows, i, request_members));
    clock_rfc3339_us(now, clock_unix_us());
    http_respond_json(req, 200, json_pack("{s:o, s:s}", "requests", list, "serverTime", now));
}

/* "waiting,resolved" as the array literal {waiting,resolved}; false when a word is no status. */
static bool status_array(const char *list, char out[64])
{
    static const char *const words[] = {"waiting", "in_progress", "resolved"};
    size_t at = 0;
    out[at++] = '{';
    for (const char *c = list;; c++) {
        size_t len = strcspn(c, ","), w = 0;
        while (w < 3 && (strlen(words[w]) != len || strncmp(words[w], c, len) != 0))
            w++;
        if (w == 3 || at + len > 60)
            return false;
        memcpy(out + at, c, len);
        at += len;
        c += len;
        out[at++] = *c == ',' ? ',' : '}';
        if (*c == '\0')
            break;
    }
    out[at] = '\0';
    return true;
}

static void list_requests(const api *a, http_request *req, const caller *who)
{
    char statuses[64] = "{waiting,in_progress}", limit_text[24];
    int64_t limit;
    const char *list = http_query(req, "status");
    if (list && !status_array(list, statuses)) {
        http_respond_error(req, 400, "invalid_query", "status",
                           "status must be waiting, in_progress, resolved, or several with commas");
        return;
    }
    if (!query_integer(req, "limit", 1, QUEUE_MAX, 200, &limit))
        return;
    snprintf(limit_text, sizeof(limit_text), "%lld", (long long)limit);
    const char *values[] = {statuses, http_query(req, "playerId"), limit_text};
    api_query(a, req, &(api_subject){.who = who}, &requests_stmt, values, answer_requests);
}

static void handle_requests(http_request *req, void *arg)
{
    const api *a = arg;
    caller *who = api_staff(a, req);
    if (who)
        list_requests(a, req, who);
    caller_free(who);
}

/* ---- messages ---- */

/* One row for the player, each message of the page behind it, and the newest request beside it. $4
 * asks for one more than the page, to see whether there is more. A request that is open is the
 * newest one. */
static const db_stmt messages_stmt = {
    "messages",
    "SELECT $2::bigint AS after, $3::bigint AS before, $4::int AS wanted,"
    " coalesce(p.last_seq, 0) AS player_last_seq, coalesce(p.player_read_seq, 0) AS "
    "player_read_seq,"
    " coalesce(p.staff_read_seq, 0) AS staff_read_seq, coalesce(p.blocked, false) AS blocked, r.*,"
    " m.id AS m_id, m.request_id AS m_request_id, m.player_id AS m_player_id, m.seq AS m_seq,"
    " m.sender AS m_sender, m.sender_id AS m_sender_id, m.message_text AS m_text,"
    " m.client_message_id AS m_client_id, m.\"timestamp\" AS m_timestamp"
    " FROM (SELECT 1) AS one LEFT JOIN chat_players AS p ON p.player_id = $1"
    " LEFT JOIN unichat_requests('{waiting,in_progress,resolved}'::text[], $1, 1, NULL::text) AS r "
    "ON true"
    " LEFT JOIN unichat_messages($1,"
    "   (SELECT $2::bigint WHERE $2::bigint <= (SELECT last_seq FROM chat_players WHERE player_id "
    "= $1)),"
    "   $3::bigint, $4::int) AS m ON true"
    " ORDER BY m.seq",
    4};

static const member message_members[] = {
    {"messageId", "m_id", MEMBER_ID},          {"requestId", "m_request_id", MEMBER_ID},
    {"playerId", "m_player_id", MEMBER_TEXT},  {"seq", "m_seq", MEMBER_NUMBER},
    {"sender", "m_sender", MEMBER_TEXT},       {"senderId", "m_sender_id", MEMBER_TEXT},
    {"message", "m_text", MEMBER_TEXT},        {"clientMessageId", "m_client_id", MEMBER_TEXT},
    {"timestamp", "m_timestamp", MEMBER_TIME}, {0}};

static const member page_members[] = {{"lastSeq", "player_last_seq", MEMBER_NUMBER},
                                      {"playerReadSeq", "player_read_seq", MEMBER_NUMBER},
                                      {"staffReadSeq", "staff_read_seq", MEMBER_NUMBER},
                                      {"blocked", "blocked", MEMBER_BOOL},
                                      {0}};

static int64_t row_number(const PGresult *rows, const char *column)
{
    const char *text = db_text(rows, 0, column);
    return text ? strtoll(text, NULL, 10) : -1;
}

static void answer_messages(const api *a, http_request *req, PGresult *rows)
{
    (void)a;
    int64_t after = row_number(rows, "after");
    bool resync = after > row_number(rows, "player_last_seq");
    int found = db_text(rows, 0, "m_id") ? PQntuples(rows) : 0;
    bool more = found == row_number(rows, "wanted");
    bool forward = after >= 0 && !resync; /* then the one too many is the last, else the first */
    json_t *page = row_object(rows, 0, page_members);
    json_t *list = json_array();
    for (int i = more && !forward ? 1 : 0; i < found - (more && forward ? 1 : 0); i++)
        json_array_append_new(list, row_object(rows, i, message_members));
    json_object_set_new(page, "messages", list);
    json_object_set_new(page, "hasMore", json_boolean(more));
    json_object_set_new(page, "request",
                        db_text(rows, 0, "request_id") ? row_object(rows, 0, request_members)
                                                       : json_null());
    if (resync)
        json_object_set_new(page, "resync", json_true());
    http_respond_json(req, 200, page);
}

/* The player of the path, or of the query where the path names none, if the caller may act for it;
 * else NULL after 403 or 400 was answered. */
static const char *player_of_path(http_request *req, const caller *who)
{
    const char *in_path = http_param(req, "playerId");
    const char *player = in_path ? in_path : http_query(req, "playerId");
    size_t len = player ? strlen(player) : 0;
    if (len == 0 || len > PLAYER_ID_MAX || !text_utf8_valid(player, len)) {
        http_respond_error(req, 400, "invalid_field", "playerId",
                           "playerId is not 1 to 128 bytes of UTF-8");
        return NULL;
    }
    if (caller_may_act_for(who, player))
        return player;
    http_respond_error(req, 403, "forbidden", NULL, "the token is another player's");
    return NULL;
}

static const char *number_or_null(int64_t n, char out[24])
{
    snprintf(out, 24, "%lld", (long long)n);
    return n < 0 ? NULL : out;
}

static void list_messages(const api *a, http_request *req, const caller *who)
{
    int64_t after, before, limit;
    char after_text[24], before_text[24], limit_text[24];
    const char *player = player_of_path(req, who);
    if (!player || !query_integer(req, "after", 0, INT64_MAX, -1, &after) ||
        !query_integer(req, "before", 0, INT64_MAX, -1, &before) ||
        !query_integer(req, "limit", 1, PAGE_MAX, 50, &limit))
        return;
    const char *values[] = {player, number_or_null(after, after_text),
                            number_or_null(before, before_text),
                            number_or_null(limit + 1, limit_text)};
    api_query(a, req, &(api_subject){.who = who}, &messages_stmt, values, answer_messages);
}

static void handle_messages(http_request *req, void *arg)
{
    const api *a = arg;
    caller *who = api_caller(a, req);
    if (who)
        list_messages(a, req, who);
    caller_free(who);
}

/* ---- status ---- */

static const db_stmt status_stmt = {"status",
                                    "SELECT s.id AS request_id, s.*, extract(epoch FROM "
                                    "clock_timestamp() - s.waiting_since) AS wait_seconds"
                                    " FROM unichat_status($1::bigint, $2, $3, $4) AS s",
                                    4};

static void answer_request(const api *a, http_request *req, PGresult *rows)
{
    (void)a;
    http_respond_json(req, 200, row_object(rows, 0, request_members));
}

/* The status that the caller believes the request to have; NULL where it does not say. */
static const char *expected_status(fields *f)
{
    char ignored[64];
    const char *expected = fields_text(f, "expected", PLAYER_ID_MAX);
    if (expected && !status_array(expected, ignored))
        fields_mistake(f, "invalid_field", "expected", "expected is no status");
    return expected;
}

static void handle_status(http_request *req, void *arg)
{
    const api *a = arg;
    fields f;
    int64_t id;
    caller *who = api_staff(a, req);
    if (!who)
        return;
    if (!text_parse_int(http_param(req, "requestId"), 1, INT64_MAX, &id)) {
        http_respond_error(req, 404, "not_found", NULL, "there is no such request");
    } else if (body_read(req, &f)) {
        const char *values[] = {http_param(req, "requestId"),
                                fields_required_text(&f, "status", PLAYER_ID_MAX), who->sub,
                                expected_status(&f)};
        if (body_is_fine(req, &f))
            api_query(a, req, &(api_subject){.request = values[0]}, &status_stmt, values,
                      answer_request);
        fields_free(&f);
    }
    caller_free(who);
}

/* ---- read, block ---- */

static const db_stmt read_stmt = {
    "read", "SELECT player_read_seq, staff_read_seq FROM unichat_read($1, $2, $3::bigint)", 3};

static const db_stmt block_stmt = {
    "block", "SELECT player_id, blocked FROM unichat_block($1, $2::boolean, $3)", 3};

static const member player_members[] = {{"playerId", "player_id", MEMBER_TEXT},
                                        {"playerReadSeq", "player_read_seq", MEMBER_NUMBER},
                                        {"staffReadSeq", "staff_read_seq", MEMBER_NUMBER},
                                        {"blocked", "blocked", MEMBER_BOOL},
                                        {0}};

static void answer_player(const api *a, http_request *req, PGresult *rows)
{
    (void)a;
    http_respond_json(req, 200, row_object(rows, 0, player_members));
}

static void handle_read(http_request *req, void *arg)
{
    const api *a = arg;
    fields f;
    char seq[24];
    caller *who = api_caller(a, req);
    const char *player = who ? player_of_path(req, who) : NULL;
    if (player && body_read(req, &f)) {
        snprintf(seq, sizeof(seq), "%lld", (long long)fields_required_integer(&f, "seq", 0));
        const char *values[] = {player, caller_role_name(who->role), seq};
        if (body_is_fine(req, &f))
            api_query(a, req, &(api_subject){.player = player}, &read_stmt, values, answer_player);
        fields_free(&f);
    }
    caller_free(who);
}

static void handle_block(http_request *req, void *arg)
{
    const api *a = arg;
    fields f;
    caller *who = api_staff(a, req);
    const char *player = who ? player_of_path(req, who) : NULL;
    if (player && body_read(req, &f)) {
        const char *values[] = {player, fields_required_bool(&f, "blocked") ? "t" : "f", who->sub};
        if (body_is_fine(req, &f))
            api_query(a, req, &(api_subject){.player = player}, &block_stmt, values, answer_player);
        fields_free(&f);
    }
    caller_free(who);
}

void chat_api_routes(api *a, server *srv)
{
    throttle_start();
    http_route(srv, "POST", "/api/unified-chat/send", handle_send, a);
    http_route(srv, "GET", "/api/unified-chat/messages", handle_messages, a);
    http_route(srv, "GET", "/api/unified-chat/messages/:playerId", handle_messages, a);
    http_route(srv, "GET", "/api/unified-chat/requests", handle_requests, a);
    http_route(srv, "POST", "/api/unified-chat/status/:requestId", handle_status, a);
    http_route(srv, "POST", "/api/unified-chat/read", handle_read, a);
    http_route(srv, "POST", "/api/unified-chat/read/:playerId", handle_read, a);
    http_route(srv, "POST", "/api/unified-chat/block", handle_block, a);
    http_route(srv, "POST", "/api/unified-chat/block/:playerId", handle_block, a);
}
