-- What a session can hold up for others: no role can lock what others need for longer than its own writing does, and nothing waits for
-- an advisory lock, which anybody may take.
CREATE EXTENSION unichat;
SELECT seq FROM unichat_send('ann', 'one');

CREATE FUNCTION refused(as_role text, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', as_role);
    EXECUTE statement;
    RESET ROLE;
    RETURN false;
EXCEPTION WHEN insufficient_privilege THEN
    RETURN true;
END $$;
CREATE TABLE roles AS SELECT unnest(ARRAY['unichat_app', 'unichat_bridge', 'unichat_admin', 'unichat_player']) AS role;
CREATE TABLE tables AS
SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'unichat' WHERE c.relkind = 'r';
CREATE TABLE modes AS
SELECT unnest(ARRAY['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE']) AS mode;
-- unichat_admin deletes keys, so it may keep others from doing so.
SELECT role, name, array_agg(mode) AS may_lock FROM roles, tables, modes
 WHERE mode NOT IN ('ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE') AND NOT refused(role, format('LOCK TABLE %s IN %s MODE', name, mode)) GROUP BY 1, 2;

-- Rows: who changes requests may lock them. A player's session may lock none, not its own either.
SELECT role, name, array_agg(how) AS may_lock FROM roles, tables, unnest(ARRAY['UPDATE', 'NO KEY UPDATE', 'SHARE', 'KEY SHARE']) how
 WHERE NOT refused(role, format('SELECT FROM %s FOR %s', name, how)) GROUP BY 1, 2 ORDER BY 1, 2;

-- Claiming pushes, sending, erasing, pruning and the rest, in one transaction that holds all that they take.
BEGIN;
SELECT id FROM unichat_push_claim('1 minute', 10);
SELECT unichat_push_result(1, 1, 'failed'), unichat_push_resend(1);
SELECT seq FROM unichat_send('ann', 'two', client_message_id => 'c');
SELECT seq FROM unichat_send('ann', 'three', 'staff', 'sue');
SELECT status FROM unichat_status(1, 'resolved', 'sue');
SELECT last_seq FROM unichat_read('ann', 'staff', 3);
SELECT blocked FROM unichat_block('ann', true);
SELECT subject_id FROM unichat_revoke('player', 'ann');
SELECT unichat_publish('shop', 'e', '{}');
SELECT unichat_erase_player('ann'), unichat_prune('0');
SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory';
SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'push_turn'::regclass;
ROLLBACK;

DROP TABLE roles, tables, modes;
DROP FUNCTION refused;
DROP EXTENSION unichat;
