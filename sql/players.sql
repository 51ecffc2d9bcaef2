-- A player's own session: it may run any SQL, and sees one player and speaks as one player.
CREATE EXTENSION unichat SCHEMA public;
CREATE ROLE unichat_test_web LOGIN IN ROLE unichat_player;
CREATE ROLE unichat_test_app LOGIN IN ROLE unichat_app, unichat_player;
\set SHOW_CONTEXT never
-- errors with their SQLSTATE, without the place in the source
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, detail);
END $$;

-- A token's signature is HMAC-SHA256 (RFC 2104) of "ISSUED.EXPIRES.PLAYER" in hex, so that an application can sign by itself.
CREATE FUNCTION padded(secret bytea, pad integer) RETURNS bytea LANGUAGE sql AS $$
    SELECT decode(string_agg(lpad(to_hex(pad # CASE WHEN i < length(secret) THEN get_byte(secret, i) ELSE 0 END), 2, '0'), '' ORDER BY i), 'hex')
      FROM generate_series(0, 63) i $$;
CREATE FUNCTION signed(player text, issued text, expires text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('.', k.id, issued, expires, encode(sha256(padded(k.secret, x'5c'::int) ||
               sha256(padded(k.secret, x'36'::int) || convert_to(concat_ws('.', issued, expires, player), 'UTF8'))), 'hex'), player)
      FROM unichat_keys k ORDER BY id DESC LIMIT 1 $$;

SELECT seq FROM unichat_send('ann', 'ann''s secret', player_name => 'Ann');
SELECT seq FROM unichat_send('bob', 'bob''s secret', player_name => 'Bob');
SELECT seq FROM unichat_send('bob', 'hello bob', 'staff', 'sue');
SELECT unichat_player_token('ann') AS ann, unichat_player_token('bob') AS bob, unichat_player_token('a.b''c') AS odd,
       signed('ann', '1', (extract(epoch FROM now())::bigint - 1)::text) AS old \gset

\c - unichat_test_web
-- Without a proof: nobody.
SELECT tried('SELECT * FROM chat_messages');
SELECT tried('SELECT unichat_send(''ann'', ''hi'')');
SELECT tried('INSERT INTO chat_messages (player_id, message_text) VALUES (''ann'', ''hi'')');
-- With one: ann, by every way of reading.
SET unichat.player_token = :'ann';
SELECT unichat_player_id();
SELECT player_id, player_name FROM chat_players;
SELECT id, player_id FROM chat_requests;
SELECT player_id, message_text FROM chat_messages;
SELECT player_id, seq, kind FROM chat_events ORDER BY seq;
SELECT player_id, seq, payload ~ 'bob' AS bobs FROM unichat_event_payloads ORDER BY seq;
SELECT message_text FROM unichat_messages('ann');
SELECT message_text FROM unichat_messages('bob');
SELECT player_id FROM unichat_requests();
SELECT player_id FROM unichat_requests(player_id => 'bob');
SELECT unichat_event('bob', 2);
SELECT * FROM unichat_events_after('bob', 0);
SELECT message_text FROM chat_messages WHERE player_id = 'bob' OR true;
COPY (SELECT player_id FROM chat_messages) TO stdout;
-- A function of one's own that is cheap, and sees each row that it is asked about: asked about one's own only.
CREATE FUNCTION pg_temp.peep(t text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', t; RETURN true; END $$;
SELECT count(*) FROM chat_messages WHERE pg_temp.peep(message_text);
-- and of writing
SELECT request_id, seq FROM unichat_send('ann', 'again', sender_id => 'ann', client_message_id => 'c');
INSERT INTO chat_messages (player_id, message_text) VALUES ('ann', 'and again') RETURNING seq;
SELECT player_read_seq, staff_read_seq FROM unichat_read('ann', 'player', 3);
SELECT tried($$SELECT unichat_send('bob', 'I am bob')$$);
SELECT tried($$SELECT unichat_send('ann', 'I am the staff', 'staff', 'sue')$$);
SELECT tried($$SELECT unichat_send('ann', 'I am the system', 'system')$$);
SELECT tried($$SELECT unichat_send('ann', 'sue wrote this', sender_id => 'sue')$$);
SELECT tried($$SELECT unichat_send(NULL, 'nobody')$$);
SELECT tried($$INSERT INTO chat_messages (player_id, message_text) VALUES ('bob', 'I am bob')$$);
SELECT tried($$INSERT INTO chat_messages (player_id, message_text, request_id) VALUES ('bob', 'what is open?', 99)$$);
SELECT tried($$INSERT INTO chat_messages (player_id, message_text, sender) VALUES ('ann', 'I am the staff', 'staff')$$);
SELECT tried($$SELECT unichat_read('bob', 'player', 3)$$);
SELECT tried($$SELECT unichat_read('ann', 'staff', 3)$$);
-- nothing else
SELECT tried($$SELECT unichat_status(1, 'resolved')$$);
SELECT tried($$UPDATE chat_requests SET status = 'resolved'$$);
SELECT tried($$SELECT unichat_erase_player('ann')$$);
SELECT tried($$SELECT unichat_player_token('bob')$$);
SELECT tried($$SELECT * FROM unichat_keys$$);
SELECT tried($$SELECT * FROM push_notifications$$);
SELECT tried($$SELECT unichat_events_since('1:1:')$$);
SELECT tried($$ALTER TABLE chat_messages DISABLE ROW LEVEL SECURITY$$);
SELECT tried($$SET ROLE unichat_app$$);
SELECT tried($$SET SESSION AUTHORIZATION postgres$$);
SET row_security = off;
SELECT tried('SELECT * FROM chat_messages');
RESET row_security;

-- Forged, expired, another's, none at all.
SET unichat.player_token = :'old';
SELECT tried('SELECT * FROM chat_messages');
SELECT set_config('unichat.player_token', regexp_replace(:'ann', 'ann$', 'bob'), false) IS NOT NULL AS forged;
SELECT tried('SELECT * FROM chat_messages');
SELECT set_config('unichat.player_token', regexp_replace(:'ann', '^(\d+\.\d+)\.\d+', '\1.99999999999'), false) IS NOT NULL AS forged;
SELECT tried('SELECT * FROM chat_messages');
SELECT set_config('unichat.player_token', regexp_replace(:'ann', '^(\d+)\.\d+', '\1.99999999998'), false) IS NOT NULL AS forged;
SELECT tried('SELECT * FROM chat_messages');
SELECT set_config('unichat.player_token', regexp_replace(:'ann', '^\d+', '77'), false) IS NOT NULL AS forged;
SELECT tried('SELECT * FROM chat_messages');
SELECT set_config('unichat.player_token', replace(:'ann', '.', ''), false) IS NOT NULL AS forged;
SELECT tried('SELECT * FROM chat_messages');
SET unichat.player_token = 'ann';
SELECT tried('SELECT * FROM chat_messages');
SET unichat.player_token = :'odd';
SELECT unichat_player_id();
RESET unichat.player_token;
SET unichat.player_id = 'ann';
SELECT tried('SELECT * FROM chat_messages');
SELECT tried($$SELECT unichat_send('ann', 'unsigned')$$);
RESET unichat.player_id;
\c - postgres

-- An application in a pooled connection steps down for a transaction, and says for whom without a signature.
\c - unichat_test_app
SELECT count(*) FROM chat_messages;
BEGIN;
SET LOCAL ROLE unichat_player;
SELECT tried('SELECT * FROM chat_messages');
SET LOCAL unichat.player_id = 'bob';
SELECT player_id, message_text FROM chat_messages ORDER BY seq;
SELECT seq FROM unichat_send('bob', 'from the pool');
SELECT tried($$SELECT unichat_send('ann', 'not ann')$$);
COMMIT;
SELECT current_setting('unichat.player_id') AS after_it, count(*) FROM chat_messages;
\c - postgres

-- A key is renewed: the newest signs, the others count until they are deleted. The administrator does it.
SET ROLE unichat_admin;
INSERT INTO unichat_keys DEFAULT VALUES;
SELECT unichat_player_token('bob') AS newer \gset
\c - unichat_test_web
SET unichat.player_token = :'bob';
SELECT unichat_player_id();
\c - postgres
SET ROLE unichat_admin;
DELETE FROM unichat_keys WHERE id = 1;
\c - unichat_test_web
SET unichat.player_token = :'bob';
SELECT tried('SELECT unichat_player_id()');
SET unichat.player_token = :'newer';
SELECT unichat_player_id();
\c - postgres

-- A token as an application would sign it by itself is the one that unichat_player_token makes.
SELECT signed(t[5], t[2], t[3]) = array_to_string(t, '.') AS as_told FROM string_to_array(unichat_player_token('zoë'), '.') t;

-- A revocation of a player covers the tokens that were issued before it, in sessions too that have one already. A login after
-- it (here: signed as of the next minute) is good again, and nobody else is concerned.
SELECT signed('ann', (extract(epoch FROM now())::bigint - 60)::text, '99999999999') AS ann,
       signed('ann', (extract(epoch FROM now())::bigint + 60)::text, '99999999999') AS later, unichat_player_token('bob') AS bob \gset
SELECT subject_id FROM unichat_revoke('player', 'ann', 'sue');
\c - unichat_test_web
SET unichat.player_token = :'ann';
SELECT tried('SELECT count(*) FROM chat_messages');
SELECT tried($$SELECT unichat_send('ann', 'with a revoked token')$$);
SET unichat.player_token = :'later';
SELECT unichat_player_id();
SET unichat.player_token = :'bob';
SELECT unichat_player_id();
\c - postgres
-- A revocation of a staff member of that name is another's; one that is over counts no more.
DELETE FROM chat_revocations;
SELECT subject_id FROM unichat_revoke('staff', 'ann', 'sue');
SELECT subject_id FROM unichat_revoke('player', 'ann', 'sue', '0 s');
\c - unichat_test_web
SET unichat.player_token = :'ann';
SELECT unichat_player_id();
\c - postgres
DELETE FROM chat_revocations;
DROP FUNCTION signed, padded;
-- A trigger of the owner answers within a player's unichat_send.
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.chat_messages (player_id, message_text, sender) VALUES (NEW.player_id, 'We will be right with you', 'system');
    RETURN NULL;
END $$;
CREATE TRIGGER answer AFTER INSERT ON chat_messages FOR EACH ROW WHEN (NEW.sender = 'player') EXECUTE FUNCTION answer();
SELECT unichat_player_token('ann') AS ann \gset
\c - unichat_test_web
SET unichat.player_token = :'ann';
SELECT seq FROM unichat_send('ann', 'anybody?');
SELECT sender, message_text FROM unichat_messages('ann', max_rows => 2);
\c - postgres

-- Sessions that share a login see each other's statements in pg_stat_activity, and a token in one; unless the role is told not to.
ALTER ROLE unichat_test_web SET track_activities = off;
\c - unichat_test_web
SET unichat.player_token = 'secret';
SELECT tried('SET track_activities = on');
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();
\c - postgres

-- What everybody else pays for all this: nothing, in the plan.
CREATE FUNCTION plan(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || statement LOOP plan := plan || line || E'\n'; END LOOP;
    RETURN plan;
END $$;
CREATE TABLE plans AS SELECT s AS statement, plan(s) FROM unnest(ARRAY[
    $$SELECT * FROM unichat_messages('ann', 1)$$, $$SELECT * FROM unichat_requests()$$, $$SELECT * FROM unichat_requests(player_id => 'ann')$$,
    $$SELECT * FROM unichat_events_after('ann', 1)$$, $$SELECT * FROM unichat_event('ann', 1)$$,
    $$SELECT * FROM chat_events WHERE xid >= '1' ORDER BY player_id, seq$$]) s;
GRANT SELECT ON plans TO unichat_app, unichat_bridge;
SET ROLE unichat_bridge;
SELECT count(*) FILTER (WHERE plan = plan(statement)) AS same, count(*) FROM plans;
SET ROLE unichat_app;
SELECT count(*) FILTER (WHERE plan = plan(statement)) AS same, count(*) FROM plans;
RESET ROLE;
DROP TABLE plans;
DROP EXTENSION unichat;
DROP FUNCTION tried(text), answer(), plan(text);
DROP ROLE unichat_test_web, unichat_test_app;
