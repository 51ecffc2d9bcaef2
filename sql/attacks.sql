-- The usual attacks on what runs with its owner's rights. In the way of each there is a trap: it raises an error if it is ever run.
CREATE ROLE mallory;
GRANT CREATE ON DATABASE :"DBNAME" TO mallory;
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END $$;

-- 1. The extension goes into a schema that mallory owns, and has filled beforehand with better matches for everything: each
-- operator for each pair of types that PostgreSQL has none for, each function for each type.
SET ROLE mallory;
CREATE SCHEMA den;
CREATE FUNCTION den.trap() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped, as %', current_user; END $$;
CREATE FUNCTION den.set_traps(OUT operators integer, OUT functions integer) LANGUAGE plpgsql AS $$
DECLARE
    types CONSTANT text[] := '{bigint,integer,text,timestamptz,interval,numeric,boolean,bigint[],text[],xid8,jsonb,bytea}';
    l text; r text; name text; made text;
BEGIN
    operators := 0; functions := 0;
    FOREACH l IN ARRAY types LOOP
        FOREACH r IN ARRAY types LOOP
            made := format('den.%I', 'of ' || l || ' and ' || r);
            EXECUTE format('CREATE OR REPLACE FUNCTION %s(%s, %s) RETURNS boolean LANGUAGE plpgsql AS ''BEGIN PERFORM den.trap(); RETURN true; END''', made, l, r);
            FOREACH name IN ARRAY '{=,<>,<,<=,>,>=,+,-,*,/,||,|,<<,~,!~,->,->>}'::text[] LOOP
                CONTINUE WHEN EXISTS (SELECT FROM pg_operator o WHERE o.oprname = name AND o.oprleft = l::regtype AND o.oprright = r::regtype);
                EXECUTE format('CREATE OPERATOR den.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s)', name, l, r, made);
                operators := operators + 1;
            END LOOP;
        END LOOP;
        FOR name, r IN SELECT DISTINCT p.proname, args FROM pg_proc p, unnest(ARRAY[l, l || ', ' || l, l || '[], ' || l, l || ', integer']) args
                 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND args !~ '\]\[' AND p.proname IN ('unnest', 'array_agg', 'array_position', 'cardinality',
                       'count', 'min', 'max', 'sum', 'ceil', 'floor', 'left', 'length', 'octet_length', 'substr', 'format', 'encode', 'decode', 'sha256',
                       'clock_timestamp', 'gen_random_uuid', 'uuid_send', 'set_config', 'jsonb_build_object', 'jsonb_agg', 'row_number', 'array_length',
                       'pg_notify', 'pg_advisory_xact_lock', 'pg_snapshot_xmax', 'pg_snapshot_xip', 'quote_ident', 'extract', 'date_part', 'concat') LOOP
            BEGIN
                EXECUTE format('CREATE FUNCTION den.%I(%s) RETURNS bigint LANGUAGE plpgsql AS ''BEGIN PERFORM den.trap(); RETURN 0; END''', name, r);
                functions := functions + 1;
            EXCEPTION WHEN duplicate_function THEN NULL;
            END;
        END LOOP;
    END LOOP;
END $$;
SELECT operators > 1500 AS operators, functions > 500 AS functions FROM den.set_traps();
RESET ROLE;
SELECT tried('SELECT den.cardinality(ARRAY[1::bigint])'); -- they work
CREATE EXTENSION unichat SCHEMA den;
SET ROLE mallory;
SELECT operators, functions FROM den.set_traps(); -- nothing that was not there already
SELECT tried('CREATE TABLE den.chat_messages ()');
SELECT tried('DROP TABLE den.chat_messages CASCADE');
SELECT tried('SELECT * FROM den.chat_messages');
SELECT tried($$CREATE OR REPLACE FUNCTION den.unichat_epoch() RETURNS text LANGUAGE sql AS 'SELECT ''mine'''$$);
RESET ROLE;
-- Everything, as those that call it, with mallory's schema first in search_path: as the bridge's sessions and worse.
CREATE FUNCTION everything() RETURNS text LANGUAGE plpgsql AS $$
DECLARE push record; sent record;
BEGIN
    SELECT * INTO sent FROM den.unichat_send('ann', 'one', client_message_id => 'c', player_name => 'Ann', urgency => 'high');
    PERFORM den.unichat_send('ann', 'one', client_message_id => 'c');
    INSERT INTO den.chat_messages (player_id, message_text) VALUES ('bob', 'two'), ('cyd', 'three');
    PERFORM den.unichat_send('ann', 'four', 'staff', 'sue'), den.unichat_read('ann', 'staff', 3), den.unichat_block('bob', true), den.unichat_block('bob', false);
    PERFORM den.unichat_messages('ann', 1), den.unichat_messages('ann'), den.unichat_requests(), den.unichat_requests(player_id => 'ann'),
            den.unichat_event('ann', 2), den.unichat_events_after('ann', 1), den.unichat_events_since('1:1:'), den.unichat_epoch(), den.unichat_stats(),
            den.unichat_verify('ann'), den.unichat_delivery(), den.unichat_player_token('ann'), den.unichat_revocations(),
            den.unichat_revoke('staff', 'sue'), den.unichat_push_queue(), den.unichat_publish('shop', 'e', '{}', '1.2'),
            den.unichat_notify('probe', 'x'), den.unichat_listen();
    FOR push IN SELECT * FROM den.unichat_push_claim('1 minute', 10, volume_cap => 1) LOOP
        PERFORM den.unichat_push_result(push.id, push.attempt, 'retry', 500, 'p', 'e', '1 second', 'onesignal');
    END LOOP;
    PERFORM den.unichat_push_claim('1 minute', 10), den.unichat_push_resend(1);
    PERFORM den.unichat_status(sent.request_id, 'resolved', 'sue', 'in_progress'), den.unichat_erase_player('ann'), den.unichat_prune('0');
    RETURN 'all of it';
END $$;
BEGIN;
SET LOCAL search_path = den, pg_temp;
SELECT public.everything();
ROLLBACK;
BEGIN;
SET LOCAL search_path = den, pg_catalog, pg_temp;
SELECT public.everything();
ROLLBACK;

-- 2. Temporary tables, types and functions, named like what the functions use, by somebody who may call them.
CREATE ROLE unichat_test_bridge IN ROLE unichat_bridge;
SET ROLE unichat_test_bridge;
CREATE TEMP TABLE pg_extension (extname name, extnamespace oid);
INSERT INTO pg_temp.pg_extension SELECT 'unichat', pg_my_temp_schema();
CREATE TEMP TABLE push_notifications (id bigint, state text, kind text, urgency text);
CREATE TEMP TABLE chat_requests (id bigint, status text);
CREATE TEMP TABLE chat_messages (player_id text, message_text text);
CREATE DOMAIN pg_temp.bigint AS text;
CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
SET search_path = pg_temp, den, pg_catalog;
SELECT seq FROM den.unichat_send('dan', 'hello');
SELECT count(*) FROM den.unichat_push_claim('1 minute', 10);
SELECT pending, sending FROM den.unichat_push_queue();
SELECT den.unichat_push_result(1, 1, 'sent');
RESET search_path;
RESET ROLE;
SELECT count(*) FROM pg_temp.chat_messages;
DROP TABLE pg_temp.pg_extension, pg_temp.push_notifications, pg_temp.chat_requests, pg_temp.chat_messages;
DROP DOMAIN pg_temp.bigint;
DROP FUNCTION pg_temp.clock_timestamp();

-- 3. The trigger functions, called and used by others.
SELECT tried('SELECT den.' || p || '()') FROM unnest(ARRAY['unichat_message_before', 'unichat_event_before', 'unichat_append_only']) p;
GRANT EXECUTE ON FUNCTION den.unichat_message_before, den.unichat_event_before, den.unichat_append_only TO mallory;
SET ROLE mallory;
CREATE TABLE den.mine (player_id text, seq bigint, message_text text);
CREATE TRIGGER t BEFORE INSERT ON den.mine FOR EACH ROW EXECUTE FUNCTION den.unichat_message_before();
SELECT tried($$INSERT INTO den.mine VALUES ('ann', 1, 'forged')$$);
CREATE SCHEMA lair;
CREATE TABLE lair.chat_events (player_id text);
CREATE TRIGGER t BEFORE INSERT ON lair.chat_events FOR EACH ROW EXECUTE FUNCTION den.unichat_event_before();
SELECT tried($$INSERT INTO lair.chat_events VALUES ('ann')$$);
RESET ROLE;
REVOKE EXECUTE ON FUNCTION den.unichat_message_before, den.unichat_event_before, den.unichat_append_only FROM mallory;

-- 4. A cast of one's own is run by whoever writes it down, not by the owner.
CREATE ROLE unichat_test_app LOGIN IN ROLE unichat_app, mallory;
SET ROLE mallory;
CREATE TYPE lair.words AS (t text);
CREATE FUNCTION lair.to_text(lair.words) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'cast by ' || current_user; END $$;
CREATE FUNCTION lair.t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION lair.e() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION lair.fixed(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE CAST (lair.words AS text) WITH FUNCTION lair.to_text(lair.words) AS IMPLICIT;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
\c - unichat_test_app
SELECT seq FROM den.unichat_send('eve', ROW('x')::lair.words);
INSERT INTO den.chat_messages (player_id, message_text) VALUES ('eve', ROW('x')::lair.words);
SELECT message_text FROM den.unichat_messages('eve');

-- 5. What an application may not set: who is told, and the roles above it.
SELECT tried($$SET unichat.delivery = 'none'$$);
SELECT tried('SET ROLE unichat_admin');
SELECT tried('SET SESSION AUTHORIZATION postgres');
SELECT tried('CREATE TRIGGER t BEFORE INSERT ON den.chat_messages FOR EACH ROW EXECUTE FUNCTION lair.t()');
SELECT tried('CREATE RULE r AS ON INSERT TO den.chat_messages DO INSTEAD NOTHING');
SELECT tried($$ALTER TABLE den.chat_messages ALTER sender SET DEFAULT 'staff'$$);
SELECT tried('CREATE INDEX ON den.chat_messages (lair.fixed(message_text))');
SELECT tried('ALTER FUNCTION den.unichat_push_claim SET search_path = lair');
SELECT left(tried('GRANT unichat_admin TO unichat_test_app'), 5) AS tried; -- its words have changed in 16
SELECT tried('CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION lair.e()');
\c - postgres

-- Every function that runs as its owner has its search_path pinned, to nothing that anybody else can write to.
SELECT p.oid::regprocedure, p.proconfig FROM pg_proc p, pg_depend d, pg_extension e
 WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refobjid = e.oid AND e.extname = 'unichat'
   AND p.prosecdef AND p.proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}';

DROP TABLE den.mine, lair.chat_events;
DROP EXTENSION unichat;
DROP FUNCTION everything(), tried(text);
\set VERBOSITY terse
DROP OWNED BY mallory CASCADE;
DROP ROLE mallory, unichat_test_bridge, unichat_test_app;
