-- The hash chain: an honest history verifies, whatever way it came about; one that was changed behind our back does not.
CREATE EXTENSION unichat;

SELECT seq FROM unichat_send('ann', 'my secret number is 4711', 'player', 'ann@example.org', 'c1', 'Ann');
SELECT seq FROM unichat_send('ann', 'Grüße, 😀', 'staff', 'sue');
INSERT INTO chat_messages (player_id, message_text, sender, sender_id) VALUES
    ('ann', 'one', 'player', NULL), ('ann', 'two', 'staff', 'sue'), ('ann', 'three', 'system', NULL);
SELECT status FROM unichat_status(1, 'resolved', 'sue');
COPY chat_messages (player_id, message_text) FROM stdin;
ann	back again
ann	and again
\.
SELECT status FROM unichat_status(2, 'in_progress', 'tom');
INSERT INTO chat_requests (player_id) VALUES ('bob');
SELECT seq FROM unichat_send('bob', 'hello');
SELECT ok, events, head_seq, octet_length(head_hash) AS hash_bytes, bad_seq, problem FROM unichat_verify('ann');
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('bob');
SELECT head_hash = hash AS is_the_last FROM unichat_verify('ann'), chat_events WHERE player_id = 'ann' AND seq = head_seq;
SELECT unichat_verify('nobody');
SELECT unichat_verify(NULL);
-- The player's row keeps the newest hash as long as messages come to an open request, forgets it with any other event, and has
-- it again with the next message. What it keeps is what the event has.
CREATE VIEW kept AS SELECT last_seq, p.last_hash = e.hash AS kept FROM chat_players p JOIN chat_events e
    ON e.player_id = p.player_id AND seq = last_seq WHERE p.player_id = 'kit';
SELECT seq FROM unichat_send('kit', 'first');
SELECT * FROM kept;
SELECT seq FROM unichat_send('kit', 'second');
SELECT * FROM kept;
BEGIN;
SELECT seq FROM unichat_send('kit', 'third');
SAVEPOINT before;
SELECT seq FROM unichat_send('kit', 'taken back');
ROLLBACK TO before;
SELECT seq FROM unichat_send('kit', 'fourth');
COMMIT;
SELECT * FROM kept;
INSERT INTO chat_messages (player_id, message_text) VALUES ('kit', 'plain');
SELECT * FROM kept;
SELECT seq FROM unichat_send('kit', 'fifth');
SELECT * FROM kept;
SELECT seq FROM unichat_send('kit', 'claimed', 'staff', 'sue');
SELECT * FROM kept;
SELECT seq FROM unichat_send('kit', 'again', 'staff', 'sue');
SELECT * FROM kept;
SELECT blocked FROM unichat_block('kit', true);
SELECT * FROM kept;
SELECT seq FROM unichat_send('kit', 'so what', 'staff', 'sue');
SELECT * FROM kept;
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('kit');
DROP VIEW kept;
-- salt and hashes are nobody else's to give
GRANT ALL ON chat_messages TO pg_monitor;
SET ROLE pg_monitor;
INSERT INTO chat_messages (player_id, message_text, salt) VALUES ('ann', 'x', '\x00');
RESET ROLE;

-- Every column counts: with the triggers out of the way, a superuser changes each, in each row, alone.
CREATE FUNCTION changed(type text, "column" text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE type WHEN 'bigint' THEN format('coalesce(%I, 0) + 1000', $2)
        WHEN 'text' THEN format('coalesce(%I, '''') || ''!''', $2)
        WHEN 'jsonb' THEN format('coalesce(%I, ''{}'') || ''{"x": 1}''', $2)
        WHEN 'bytea' THEN format('coalesce(%I, '''') || ''\x00''::bytea', $2)
        WHEN 'timestamp with time zone' THEN format('%I + interval ''1 microsecond''', $2) END $$;
CREATE FUNCTION tamper(player text, tab regclass) RETURNS TABLE ("column" text, rows int, noticed int, what text) LANGUAGE plpgsql AS $$
DECLARE
    a record;
    s bigint;
    v record;
    problems text[];
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR a IN SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
              WHERE attrelid = tab AND attnum > 0 AND attname NOT IN ('xid', 'notified') ORDER BY attnum LOOP
        "column" := a.attname; rows := 0; noticed := 0; problems := '{}';
        FOR s IN EXECUTE format('SELECT seq FROM %s WHERE player_id = %L ORDER BY 1', tab, player) LOOP
            BEGIN
                EXECUTE format('UPDATE %s SET %I = %s WHERE player_id = %L AND seq = %s',
                    tab, a.attname, changed(a.type, a.attname), player, s);
                SELECT * INTO v FROM unichat_verify(player);
                rows := rows + 1;
                IF NOT v.ok THEN
                    noticed := noticed + 1;
                    problems := problems || v.problem;
                END IF;
                RAISE EXCEPTION USING ERRCODE = 'UCXXX';
            EXCEPTION WHEN SQLSTATE 'UCXXX' THEN NULL;
            END;
        END LOOP;
        what := (SELECT string_agg(DISTINCT p, ', ' ORDER BY p) FROM unnest(problems) p);
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM tamper('ann', 'chat_events');
SELECT * FROM tamper('ann', 'chat_messages');
SELECT ok FROM unichat_verify('ann');

-- Rows that go, come, or move.
CREATE FUNCTION after(player text, VARIADIC statements text[]) RETURNS TABLE (ok boolean, events bigint, head_seq bigint, bad_seq bigint, problem text)
LANGUAGE plpgsql AS $$
DECLARE
    s text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOREACH s IN ARRAY statements LOOP EXECUTE s; END LOOP;
    SELECT v.ok, v.events, v.head_seq, v.bad_seq, v.problem INTO ok, events, head_seq, bad_seq, problem FROM unichat_verify(player) v;
    RAISE EXCEPTION USING ERRCODE = 'UCXXX';
EXCEPTION WHEN SQLSTATE 'UCXXX' THEN RETURN NEXT;
END $$;
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND seq = 1$$);
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND seq = 5$$);
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND seq = 12$$);
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann'$$);
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND seq = 5$$,
    $$UPDATE chat_events SET seq = seq - 1 WHERE player_id = 'ann' AND seq > 5$$,
    $$UPDATE chat_players SET last_seq = last_seq - 1 WHERE player_id = 'ann'$$);
SELECT * FROM after('ann', $$UPDATE chat_events SET seq = seq + 100 WHERE player_id = 'ann' AND seq IN (5, 6)$$,
    $$UPDATE chat_events SET seq = 211 - seq - 100 WHERE player_id = 'ann' AND seq > 100$$);
SELECT * FROM after('ann', $$DELETE FROM chat_messages WHERE player_id = 'ann' AND seq = 6$$);
SELECT * FROM after('ann', $$UPDATE chat_messages SET seq = 1 WHERE player_id = 'ann' AND seq = 2$$);
SELECT * FROM after('ann', $$INSERT INTO chat_messages SELECT id, request_id, player_id, 13, sender, sender_id, message_text, "timestamp", 'c2', salt
    FROM chat_messages WHERE player_id = 'ann' AND seq = 2$$);
SELECT * FROM after('ann', $$INSERT INTO chat_events SELECT player_id, 13, request_id, kind, message_id, from_status, to_status, urgency, assigned_to,
    actor, detail, at, xid, notified, message_digest, hash FROM chat_events WHERE player_id = 'ann' AND seq = 12$$);
SELECT * FROM after('ann', $$UPDATE chat_events SET hash = NULL WHERE player_id = 'ann' AND seq = 5$$);
SELECT * FROM after('ann', $$UPDATE chat_events SET message_digest = (SELECT message_digest FROM chat_events WHERE player_id = 'ann' AND seq = 6)
    WHERE player_id = 'ann' AND seq = 5$$);
-- A forged "erased" or "pruned" does not fit either, and does not excuse what is missing.
SELECT * FROM after('ann', $$DELETE FROM chat_messages WHERE player_id = 'ann'$$,
    $$INSERT INTO chat_events (player_id, seq, kind, at) VALUES ('ann', 13, 'erased', now())$$);
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND seq < 10$$,
    $$INSERT INTO chat_events (player_id, seq, kind, at, detail) VALUES ('ann', 13, 'pruned', now(),
      '{"removed": [{"from": 1, "to": 9, "hash": "x"}, {"from": "1"}, 7]}')$$);
-- The end cut off, with the counter: only the hash that was noted elsewhere tells.
SELECT ok, head_seq, head_hash AS noted FROM unichat_verify('ann') \gset
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM chat_events WHERE player_id = 'ann' AND seq = 12;
UPDATE chat_players SET last_seq = 11 WHERE player_id = 'ann';
SELECT ok, head_seq, head_hash = :'noted' AS as_noted FROM unichat_verify('ann');
ROLLBACK;

-- An application's trigger that answers at once stores its event before that of the message it answers.
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.sender = 'player' THEN
        PERFORM public.unichat_send(NEW.player_id, 'We have your message.', 'system');
        PERFORM public.unichat_send(NEW.player_id, 'Please wait.', 'system');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER answer AFTER INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION answer();
SELECT seq FROM unichat_send('cyd', 'first');
INSERT INTO chat_messages (player_id, message_text) VALUES ('cyd', 'second'), ('cyd', 'third');
DROP TRIGGER answer ON chat_messages;
SELECT seq FROM unichat_send('cyd', 'fourth');
SELECT seq, message_text FROM chat_messages WHERE player_id = 'cyd' ORDER BY seq;
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('cyd');

-- Erased: the skeleton verifies, and no event has changed. Nothing is left that a guess could be tried on.
CREATE TABLE before AS SELECT * FROM chat_events;
SELECT unichat_erase_player('ann', 'dpo');
SELECT count(*) FROM (SELECT * FROM before EXCEPT SELECT * FROM chat_events) changed;
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('ann');
SELECT count(*) FROM chat_messages WHERE player_id = 'ann';
SELECT count(*) FROM chat_events e, unnest(ARRAY['my secret number is 4711', '4711']) guess
 WHERE e.message_digest = sha256(convert_to(guess, 'UTF8'));
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND kind = 'erased'$$,
    $$UPDATE chat_players SET last_seq = 13 WHERE player_id = 'ann'$$);
SELECT * FROM after('ann', $$UPDATE chat_events SET message_digest = NULL WHERE player_id = 'ann' AND seq = 5$$);
SELECT is_new_request FROM unichat_send('ann', 'me again');
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('ann');
SELECT * FROM after('ann', $$DELETE FROM chat_messages WHERE player_id = 'ann'$$);

-- A message that comes back is no longer the player's.
SELECT * FROM after('ann', $$INSERT INTO chat_messages (id, request_id, player_id, seq, message_text, "timestamp") VALUES (1, 1, 'ann', 2, 'x', now())$$);

-- Pruned, in two goes: the rest verifies, and nothing more may go.
SELECT unichat_prune('0', 'cron', 1);
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('ann');
SELECT unichat_prune('0', 'cron');
SELECT seq, kind, regexp_replace(detail::text, '[0-9a-f]{64}', 'HASH', 'g') AS detail FROM chat_events WHERE player_id = 'ann' ORDER BY seq;
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('ann');
SELECT * FROM after('ann', $$DELETE FROM chat_events WHERE player_id = 'ann' AND kind = 'erased'$$);
SELECT * FROM after('ann', $$UPDATE chat_events SET detail = jsonb_set(detail, '{removed,0,to}', '14') WHERE player_id = 'ann' AND kind = 'pruned'$$,
    $$DELETE FROM chat_events WHERE player_id = 'ann' AND kind = 'erased'$$);
SELECT * FROM after('ann', $$UPDATE chat_events SET detail = detail - 'removed' WHERE player_id = 'ann' AND kind = 'pruned'$$);
SELECT * FROM after('ann', $$INSERT INTO chat_messages (id, request_id, player_id, seq, message_text, "timestamp") VALUES (1, 1, 'ann', 2, 'x', now())$$);
SELECT * FROM tamper('ann', 'chat_events');

-- Without it nothing is hashed, and nothing verified; with it again, a chain begins anew.
SET unichat.chain = off;
SELECT seq FROM unichat_send('dan', 'one');
INSERT INTO chat_messages (player_id, message_text) VALUES ('dan', 'two');
SELECT count(*), count(hash), count(message_digest), (SELECT count(salt) FROM chat_messages WHERE player_id = 'dan') FROM chat_events WHERE player_id = 'dan';
RESET unichat.chain;
SELECT seq FROM unichat_send('dan', 'three');
SELECT seq FROM unichat_send('dan', 'four');
SELECT count(*), count(hash), count(message_digest) FROM chat_events WHERE player_id = 'dan';
SELECT ok, events, head_seq, bad_seq, problem FROM unichat_verify('dan');
SET ROLE pg_monitor;
SET unichat.chain = off;
RESET ROLE;

DROP TABLE before;
DROP FUNCTION answer(), changed(text, text), tamper(text, regclass), after(text, text[]);
DROP EXTENSION unichat;
