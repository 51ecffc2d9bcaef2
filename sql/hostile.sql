-- Hostile values for every argument of every function and every column that a role may write: each gets an error of ours that names
-- it and says what is allowed, or a meaning that docs/sql.md gives it. The functions are those that any role has been granted now, so
-- one that is new is here too, and needs a line in calls.
CREATE EXTENSION unichat;
SELECT is_new_request FROM unichat_send('p', 'the one that is there', player_name => 'Pat');
SELECT id, attempt FROM unichat_push_claim('1 hour', 1);

-- What each type is tried with.
CREATE TABLE hostile (type regtype, name text, literal text);
INSERT INTO hostile VALUES
    ('text', 'null', 'NULL'), ('text', 'empty', $$''$$), ('text', 'blanks', $$E' \t\u00a0\u2003\u200b\ufeff\u3164'$$),
    ('text', '129 bytes', $$repeat('ü', 64) || 'x'$$), ('text', '1 MB', $$repeat('x', 1048576)$$),
    ('text', '50 MB', $$repeat('x', 52428800)$$), ('text', 'quotes', $$'"''; \ $1 %s'$$),
    ('text', 'invalid UTF-8', $$convert_from('\xc328', 'UTF8')$$), ('text', 'NUL', $$convert_from('\x6100', 'UTF8')$$),
    ('bigint', 'null', 'NULL'), ('bigint', '0', '0'), ('bigint', '-1', '-1'), ('bigint', 'most', '9223372036854775807'),
    ('bigint', 'least', '-9223372036854775808'),
    ('integer', 'null', 'NULL'), ('integer', '0', '0'), ('integer', '-1', '-1'), ('integer', 'most', '2147483647'),
    ('integer', 'least', '-2147483648'),
    ('boolean', 'null', 'NULL'),
    ('interval', 'null', 'NULL'), ('interval', '0', $$'0'$$), ('interval', '-1 us', $$'-1 us'$$), ('interval', '-1 month', $$'-1 month'$$),
    ('interval', 'mixed', $$'-1 month 30 days 1 s'$$), ('interval', 'longest', $$'178000000 years'$$),
    ('interval', 'least', $$'-178000000 years'$$), ('interval', 'days', $$'2147483647 days'$$),
    ('timestamptz', 'null', 'NULL'), ('timestamptz', 'infinity', $$'infinity'$$), ('timestamptz', '-infinity', $$'-infinity'$$),
    ('timestamptz', 'BC', $$'4714-11-24 00:00:00+00 BC'$$),
    ('jsonb', 'null', 'NULL'), ('jsonb', 'json null', $$'null'$$), ('jsonb', 'deep', $$(repeat('[', 1000) || repeat(']', 1000))::jsonb$$),
    ('jsonb', '2 MB', $$to_jsonb(repeat('x', 2097152))$$),
    ('xid8', 'null', 'NULL'), ('xid8', 'most', $$'18446744073709551615'$$),
    ('pg_snapshot', 'null', 'NULL'), ('pg_snapshot', 'empty', $$'1:1:'$$), ('pg_snapshot', 'future', $$'9223372036854775000:9223372036854775807:9223372036854775001'$$),
    ('bytea', 'null', 'NULL'), ('bytea', 'empty', $$''$$), ('bytea', '16 bytes', $$decode(repeat('00', 16), 'hex')$$),
    ('text[]', 'null', 'NULL'), ('text[]', 'empty', $$'{}'$$), ('text[]', 'nulls', $$'{NULL,NULL}'$$), ('text[]', 'two dimensions', $$'{{a,b},{c,d}}'$$),
    ('text[]', 'odd bounds', $$'[-5:-4]={a,b}'$$), ('text[]', '100000', $$array_fill('x'::text, ARRAY[100000])$$),
    ('bigint[]', 'null', 'NULL'), ('bigint[]', 'empty', $$'{}'$$), ('bigint[]', 'nulls', $$'{NULL,NULL}'$$),
    ('bigint[]', 'two dimensions', $$'{{1,2},{3,4}}'$$), ('bigint[]', 'odd bounds', $$'[-5:-4]={1,2}'$$);

-- A call of each that is in order, in which one argument at a time is replaced.
CREATE TABLE calls (function text, arguments text[]);
INSERT INTO calls VALUES
    ('unichat_send', ARRAY[$$'p'$$, $$'hi'$$, $$'player'$$, $$'p'$$, $$'c'$$, $$'Pat'$$, $$'low'$$, '1']),
    ('unichat_status', ARRAY['1', $$'in_progress'$$, $$'sue'$$, $$'waiting'$$]),
    ('unichat_read', ARRAY[$$'p'$$, $$'staff'$$, '1']), ('unichat_block', ARRAY[$$'p'$$, 'true', $$'sue'$$]),
    ('unichat_erase_player', ARRAY[$$'p'$$, $$'sue'$$]), ('unichat_prune', ARRAY[$$'1 day'$$, $$'cron'$$, '10']),
    ('unichat_messages', ARRAY[$$'p'$$, '0', '9', '10']), ('unichat_requests', ARRAY[$$'{waiting}'$$, $$'p'$$, '10', $$'sue'$$]),
    ('unichat_payload', ARRAY[$$'p'$$, $$'Pat'$$, '1', '1', $$'message'$$, '1', $$'waiting'$$, $$'waiting'$$, $$'low'$$, $$'sue'$$, $$'sue'$$,
                              'now()', $$'1'$$, $$'player'$$, $$'p'$$, $$'hi'$$, $$'c'$$]),
    ('unichat_events_since', ARRAY['pg_current_snapshot()', $$''$$, '0', '10']), ('unichat_event', ARRAY[$$'p'$$, '1']),
    ('unichat_events_after', ARRAY[$$'p'$$, '0', '10']), ('unichat_verify', ARRAY[$$'p'$$]),
    ('unichat_listen', ARRAY[$$'{event}'$$]), ('unichat_notify', ARRAY[$$'probe'$$, $$'x'$$]),
    ('unichat_publish', ARRAY[$$'shop'$$, $$'e'$$, $$'{}'$$, $$'1.2'$$]), ('unichat_revoke', ARRAY[$$'staff'$$, $$'sue'$$, $$'boss'$$, $$'1 day'$$]),
    ('unichat_player_token', ARRAY[$$'p'$$, $$'1 hour'$$]),
    ('unichat_push_claim', ARRAY[$$'1 hour'$$, '10', '8', $$'15 minutes'$$, '8']),
    ('unichat_push_result', ARRAY['1', '1', $$'retry'$$, '500', $$'id'$$, $$'no'$$, $$'1 minute'$$, $$'onesignal'$$, '8', $$'15 minutes'$$]),
    ('unichat_push_resend', ARRAY['1']);

-- What the statement comes to; it leaves nothing behind.
CREATE FUNCTION answer(statement text, as_role text, OUT code text, OUT about text, OUT message text, OUT advice text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', as_role);
    EXECUTE statement;
    RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS about = COLUMN_NAME, message = MESSAGE_TEXT, advice = PG_EXCEPTION_DETAIL;
    code := CASE WHEN message = 'accepted' THEN message ELSE SQLSTATE END;
    IF advice = '' THEN GET STACKED DIAGNOSTICS advice = PG_EXCEPTION_HINT; END IF;
END $$;

CREATE TABLE functions AS
SELECT p.oid, p.proname, p.pronargs, row_number() OVER (ORDER BY p.proname COLLATE "C") AS place
  FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'unichat'
 WHERE p.pronargs > 0 AND EXISTS (SELECT FROM unnest(ARRAY['unichat_app', 'unichat_bridge', 'unichat_admin', 'unichat_player']) role
                                  WHERE has_function_privilege(role, p.oid, 'EXECUTE'));
SELECT f.proname AS without_a_call FROM functions f LEFT JOIN calls c ON c.function = f.proname WHERE cardinality(c.arguments) IS DISTINCT FROM f.pronargs;
SELECT c.function AS in_order, (answer(format('SELECT %I(%s)', c.function, array_to_string(arguments, ', ')), 'postgres')).* FROM calls c ORDER BY c.function COLLATE "C";

CREATE TABLE answers AS
SELECT f.place, a.n, f.proname AS what, p.proargnames[a.n] AS argument, h.name, r.*
  FROM functions f JOIN pg_proc p ON p.oid = f.oid JOIN calls c ON c.function = f.proname
 CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY a (type, n)
  LEFT JOIN hostile h ON h.type = a.type AND (h.name <> '50 MB' OR f.proname = 'unichat_send')
 CROSS JOIN LATERAL answer(format('SELECT %I(%s)', f.proname, array_to_string(c.arguments[:a.n - 1] || h.literal || c.arguments[a.n + 1:], ', ')), 'postgres') r;

-- Columns: what an application INSERTs into chat_messages, and UPDATEs of chat_requests, and the administrator's keys.
INSERT INTO answers
SELECT 100, a.attnum, 'chat_messages', a.attname, h.name, r.*
  FROM pg_attribute a LEFT JOIN hostile h ON h.type = a.atttypid AND h.name <> '50 MB'
 CROSS JOIN LATERAL (SELECT string_agg(c, ', ') AS columns, string_agg(v, ', ') AS literals
                       FROM (VALUES ('player_id', $$'p'$$), ('message_text', $$'hi'$$), (a.attname, h.literal)) g (c, v)
                      WHERE c <> a.attname OR v = h.literal) given
 CROSS JOIN LATERAL answer(format('INSERT INTO chat_messages (%s) VALUES (%s)', given.columns, given.literals), 'unichat_app') r
 WHERE a.attrelid = 'chat_messages'::regclass AND a.attnum > 0;
INSERT INTO answers
SELECT 101, a.attnum, 'chat_requests', a.attname, h.name, r.*
  FROM pg_attribute a LEFT JOIN hostile h ON h.type = a.atttypid AND h.name <> '50 MB'
 CROSS JOIN LATERAL answer(format('UPDATE chat_requests SET %I = %s WHERE id = 1', a.attname, h.literal), 'unichat_app') r
 WHERE a.attrelid = 'chat_requests'::regclass AND a.attnum > 0;
INSERT INTO answers
SELECT 102, 1, 'unichat_keys', 'secret', h.name, r.*
  FROM hostile h, answer(format('INSERT INTO unichat_keys (secret) VALUES (%s)', h.literal), 'unichat_admin') r WHERE h.type = 'bytea'::regtype;

SELECT what, argument, string_agg(code || ' ' || names, '; ' ORDER BY code COLLATE "C") AS answers
  FROM (SELECT place, n, what, argument, code, string_agg(name, ', ' ORDER BY name COLLATE "C") AS names FROM answers GROUP BY 1, 2, 3, 4, 5) a
 GROUP BY place, n, what, argument ORDER BY place, n;

-- A refusal of a value names the argument, and says more than that it is invalid.
SELECT what, argument, name, code, about, message, advice FROM answers
 WHERE code ~ '^UC(00|021)' AND (about <> argument OR advice = '' AND message !~ 'must not be null') ORDER BY place, n, name COLLATE "C";
-- What is not ours: text that PostgreSQL itself does not take, and what privileges.sql is about.
SELECT what, argument, name, code, message FROM answers
 WHERE code !~ '^UC' AND code NOT IN ('accepted', '22021', '42501') ORDER BY place, n, name COLLATE "C";

DROP TABLE hostile, calls, functions, answers;
DROP FUNCTION answer;
DROP EXTENSION unichat;
