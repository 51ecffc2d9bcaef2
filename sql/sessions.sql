-- What a session prepared or opened for one player, and runs when it speaks for another, or for nobody, or as another role.
CREATE EXTENSION unichat SCHEMA public;
CREATE ROLE unichat_test_pool LOGIN IN ROLE unichat_app, unichat_player;
SELECT seq FROM unichat_send('ann', 'ann''s secret');
SELECT seq FROM unichat_send('bob', 'bob''s secret');

\c - unichat_test_pool
\set VERBOSITY terse
-- Planned once for all, so that nothing but the plan's own look at the player can help.
SET plan_cache_mode = force_generic_plan;
PREPARE written AS SELECT player_id, message_text FROM chat_messages ORDER BY 1;
PREPARE read(text) AS SELECT message_text FROM unichat_messages($1);
PREPARE write(text) AS SELECT seq FROM unichat_send($1, 'again');
CREATE FUNCTION pg_temp.how_many() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM chat_messages); END $$;
EXECUTE written;
SELECT pg_temp.how_many();
SET ROLE unichat_player;
EXECUTE written;
SET unichat.player_id = 'ann';
EXECUTE written;
EXECUTE read('ann');
EXECUTE read('bob');
EXECUTE write('ann');
SELECT pg_temp.how_many();
SET unichat.player_id = 'bob';
EXECUTE written;
EXECUTE read('ann');
EXECUTE read('bob');
EXECUTE write('ann');
SELECT pg_temp.how_many();
RESET unichat.player_id;
EXECUTE written;
RESET ROLE;
EXECUTE written;

-- A cursor is its player's for its life.
BEGIN;
SET LOCAL ROLE unichat_player;
SET LOCAL unichat.player_id = 'ann';
DECLARE plain CURSOR FOR SELECT player_id, message_text FROM chat_messages ORDER BY seq;
FETCH plain;
SET LOCAL unichat.player_id = 'bob';
FETCH plain;
COMMIT;
-- WITH HOLD it outlives the transaction, with the rows that it had then: PostgreSQL's way, and CLOSE ALL or DISCARD ALL ends it.
BEGIN;
SET LOCAL ROLE unichat_player;
SET LOCAL unichat.player_id = 'ann';
DECLARE held CURSOR WITH HOLD FOR SELECT player_id, message_text FROM chat_messages ORDER BY seq;
COMMIT;
SET ROLE unichat_player;
SET unichat.player_id = 'bob';
FETCH plain;
FETCH held;
CLOSE ALL;
FETCH held;
\c - postgres
DROP EXTENSION unichat;
DROP ROLE unichat_test_pool;
