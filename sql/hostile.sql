-- Hostile values into the functions: what writes refuses them with an SQLSTATE, what reads finds nothing, and nothing is stored.
CREATE EXTENSION unichat;
SELECT is_new_request FROM unichat_send('p', 'the one that is there');

CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    col text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS col = COLUMN_NAME;
    RETURN concat_ws(' ', SQLSTATE, nullif(col, ''));
END $$;

CREATE FUNCTION stored() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws('|', (SELECT string_agg(p::text, ';') FROM chat_players p), (SELECT string_agg(r::text, ';') FROM chat_requests r),
        (SELECT string_agg(m::text, ';') FROM chat_messages m), (SELECT string_agg(e::text, ';') FROM chat_events e),
        (SELECT string_agg(n::text, ';') FROM push_notifications n), (SELECT count(*) FROM chat_revocations)) $$;
CREATE TABLE before AS SELECT stored();

CREATE TABLE hostile (name text, literal text);
INSERT INTO hostile VALUES
    ('null', 'NULL'), ('empty', $$''$$), ('129 bytes', $$repeat('x', 129)$$), ('1 MB', $$repeat('x', 1048576)$$),
    ('50 MB', $$repeat('x', 52428800)$$), ('invalid UTF-8', $$convert_from('\xc328', 'UTF8')$$),
    ('surrogate', $$convert_from('\xeda080', 'UTF8')$$), ('NUL', $$convert_from(set_byte('\x616263', 1, 0), 'UTF8')$$);

-- %s is the hostile value.
CREATE TABLE text_argument (place int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO text_argument (call) VALUES
    ($$unichat_send(%s, 'hi')$$), ($$unichat_send('p', %s || repeat('y', 4001))$$), ($$unichat_send('p', 'hi', %s)$$),
    ($$unichat_status(1, %s, 'sue')$$), ($$unichat_read(%s, 'staff', 1)$$), ($$unichat_read('p', %s, 1)$$),
    ($$unichat_block(%s, true, 'sue')$$), ($$unichat_erase_player(%s, 'sue')$$),
    ($$unichat_publish(%s, 'e', '{}')$$), ($$unichat_revoke(%s, 'sue')$$), ($$unichat_revoke('staff', %s)$$),
    ($$unichat_player_token(%s)$$);
SELECT t.call, h.name, refusal('SELECT ' || format(t.call, h.literal)) AS answer FROM text_argument t, hostile h ORDER BY t.place, h.name COLLATE "C";

-- Numbers, intervals and the rest. What is accepted reads, or finds nothing to do.
CREATE TABLE others (place int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO others (call)
SELECT format(call, n) FROM unnest(ARRAY[
    $$unichat_status(%s, 'resolved', 'sue')$$, $$unichat_send('p', 'hi', request_id => %s)$$]) WITH ORDINALITY c (call, place),
    unnest(ARRAY['-1', '9223372036854775807', '-9223372036854775808']) n ORDER BY place, n COLLATE "C";
INSERT INTO others (call) VALUES
    ($$unichat_status(NULL, 'resolved', 'sue')$$), ($$unichat_read('p', 'staff', NULL)$$),
    ($$unichat_prune(NULL)$$), ($$unichat_prune('-1 day')$$),
    ($$unichat_prune('178000000 years')$$), ($$unichat_prune('1 day', 'cron', NULL)$$), ($$unichat_prune('1 day', 'cron', -1)$$),
    ($$unichat_player_token('p', NULL)$$), ($$unichat_player_token('p', '-1 day')$$), ($$unichat_player_token('p', '178000000 years')$$),
    ($$unichat_block('p', NULL, 'sue')$$), ($$unichat_send('p', 'hi', urgency => 'ASAP')$$),
    ($$unichat_requests(array_fill('x'::text, ARRAY[100000]))$$), ($$unichat_requests(ARRAY[NULL, 'waiting'])$$),
    ($$unichat_messages('p', 9223372036854775807, NULL, -1)$$), ($$unichat_events_after('p', -9223372036854775808, -1)$$),
    ($$unichat_push_claim('-1 day', -1)$$), ($$unichat_push_result(-1, -1, 'nonsense')$$),
    ($$unichat_push_resend(-9223372036854775808)$$);
SELECT call, refusal('SELECT ' || call) AS answer FROM others ORDER BY place;

SELECT stored = stored() AS nothing_is_stored FROM before;
DROP TABLE before, hostile, text_argument, others;
DROP FUNCTION refusal(text), stored();
DROP EXTENSION unichat;
