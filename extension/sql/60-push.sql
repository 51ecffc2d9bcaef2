/*
 * 60-push.sql: the queue of push notifications.
 *
 * A row is written by the trigger that creates a request, in the same transaction: a push is owed if and only if the
 * chat exists. The bridge claims rows, talks to the provider outside of any transaction, and reports what came of it.
 *
 *                   claim                     result
 *     pending ----------------> sending ----------------> sent | no_recipients | failed
 *        ^  |                      |  \-- gave up ------> dead
 *        |  \-- chat was taken --> superseded
 *        \---- try again, or the lease ran out
 *
 * Invariants
 *  1. idempotency_key is made with the row, before the first attempt, and never changes: whatever happens between a
 *     claim and its result, the provider sees the same key again and sends once.
 *  2. attempts only grows. It is the fencing token: a result that names an older attempt than the row's comes from a
 *     bridge whose lease ran out, and is ignored unless it says that the push was sent, which stays true.
 *  3. A row leaves `sending` only by its result, or by a claim after its lease ran out.
 *  4. sent, no_recipients, failed, dead and superseded are final.
 */

CREATE TABLE @extschema@.push_notifications (
    id               bigserial PRIMARY KEY,
    request_id       bigint NOT NULL,
    player_id        text NOT NULL,
    kind             text NOT NULL DEFAULT 'new_chat' CHECK (kind IN ('new_chat', 'digest', 'resend')),
    urgency          text NOT NULL DEFAULT 'normal' CHECK (urgency IN ('low', 'normal', 'high', 'urgent')),
    title            text NOT NULL DEFAULT '',
    body             text NOT NULL DEFAULT '',
    data             jsonb NOT NULL DEFAULT '{}',
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN
                         ('pending', 'sending', 'sent', 'no_recipients', 'failed', 'dead', 'superseded')),
    attempts         int NOT NULL DEFAULT 0,
    failures         int NOT NULL DEFAULT 0,
    first_failed_at  timestamptz,
    last_attempt_at  timestamptz,
    next_attempt_at  timestamptz NOT NULL DEFAULT now(),
    lease_until      timestamptz,
    idempotency_key  uuid NOT NULL DEFAULT gen_random_uuid(),
    provider         text,
    provider_id      text,
    http_status      int,
    last_error       text,
    told_by          bigint,
    created_at       timestamptz NOT NULL DEFAULT now(),
    sent_at          timestamptz,
    UNIQUE (request_id, kind),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL))
);

CREATE INDEX push_notifications_due ON @extschema@.push_notifications (next_attempt_at) WHERE state = 'pending';
CREATE INDEX push_notifications_leases ON @extschema@.push_notifications (lease_until) WHERE state = 'sending';
CREATE INDEX push_notifications_volume ON @extschema@.push_notifications (last_attempt_at)
    WHERE last_attempt_at IS NOT NULL AND state IN ('pending', 'sending', 'sent');

SELECT pg_catalog.pg_extension_config_dump('@extschema@.push_notifications', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.push_notifications_id_seq', '');

COMMENT ON TABLE @extschema@.push_notifications IS
    'durable queue of push notifications to the staff; one row for each new chat, written in the transaction that opens it';
COMMENT ON COLUMN @extschema@.push_notifications.kind IS
    'new_chat: one chat; digest: many chats in one push, when the allowed volume is used up; resend: asked for by hand';
COMMENT ON COLUMN @extschema@.push_notifications.title IS 'the player''s name as the staff sees it; emptied by erasure';
COMMENT ON COLUMN @extschema@.push_notifications.body IS 'how the player''s message begins; emptied by erasure';
COMMENT ON COLUMN @extschema@.push_notifications.data IS 'further fields for the staff''s device, beside those the bridge adds';
COMMENT ON COLUMN @extschema@.push_notifications.attempts IS
    'how often the row was claimed; names the current attempt, so that the result of an older one is recognised';
COMMENT ON COLUMN @extschema@.push_notifications.failures IS
    'attempts that count towards giving up; a refused key or a bridge that shut down does not';
COMMENT ON COLUMN @extschema@.push_notifications.lease_until IS
    'while sending: when the attempt is taken for lost and the row may be claimed again';
COMMENT ON COLUMN @extschema@.push_notifications.idempotency_key IS
    'made once with the row and sent with every attempt, so that the provider sends at most once';
COMMENT ON COLUMN @extschema@.push_notifications.provider_id IS 'the provider''s own id of what it accepted';
COMMENT ON COLUMN @extschema@.push_notifications.last_error IS 'why the last attempt did not succeed, at most 1,000 characters';
COMMENT ON COLUMN @extschema@.push_notifications.told_by IS 'the digest that told of this chat';
