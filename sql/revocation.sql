-- unichat_revoke: whose tokens the bridges refuse.
CREATE EXTENSION unichat;
\set VERBOSITY terse

SELECT subject_role, subject_id, actor, expires_at IS NULL AS for_ever, revoked_at <= clock_timestamp() AS until_now
  FROM unichat_revoke('staff', 'grace', 'ops');
SELECT n::jsonb - 'until' AS told, n::jsonb ->> 'until' = floor(extract(epoch FROM revoked_at))::text AS in_seconds
  FROM unichat_revocations() AS n, chat_revocations;

-- A time of issue after the transaction began is meant too.
BEGIN;
SELECT revoked_at > now() AS later_than_the_transaction FROM unichat_revoke('player', '42');
ROLLBACK;
SELECT count(*) AS undone FROM chat_revocations WHERE subject_role = 'player';

-- Again: the later time, and never a shorter life.
CREATE TEMPORARY TABLE before AS SELECT * FROM chat_revocations;
SELECT r.revoked_at > b.revoked_at AS later, r.expires_at IS NULL AS for_ever, r.actor
  FROM unichat_revoke('staff', 'grace', NULL, '1 hour') AS r, before AS b;
SELECT expires_at - revoked_at AS life FROM unichat_revoke('player', 'out', NULL, '1 hour');
SELECT expires_at - revoked_at AS life FROM unichat_revoke('player', 'out', NULL, '1 day');
SELECT expires_at - revoked_at > '23 hours' AS life_is_kept FROM unichat_revoke('player', 'out', NULL, '1 minute');

-- What no token can outlive is told to nobody, and goes.
UPDATE chat_revocations SET expires_at = clock_timestamp() - interval '2 days' WHERE subject_id = 'out';
SELECT n::jsonb ->> 'sub' AS told FROM unichat_revocations() AS n;
SELECT subject_id FROM unichat_revoke('player', 'next');
SELECT subject_role, subject_id FROM chat_revocations ORDER BY 1, 2;

SELECT unichat_revoke('admin', 'x');
SELECT unichat_revoke(NULL, 'x');
SELECT unichat_revoke('staff', '');
SELECT unichat_revoke('staff', NULL);
SELECT unichat_revoke('staff', repeat('x', 129));
SELECT unichat_revoke('staff', 'x', NULL, '-1 second');

-- Who may: unichat_admin revokes and looks, unichat_bridge gets the list, unichat_app neither.
SELECT r AS role, has_function_privilege(r, 'unichat_revoke(text, text, text, interval)', 'EXECUTE') AS revoke,
       has_function_privilege(r, 'unichat_revocations()', 'EXECUTE') AS list, has_table_privilege(r, 'chat_revocations', 'SELECT') AS look,
       has_table_privilege(r, 'chat_revocations', 'INSERT') OR has_table_privilege(r, 'chat_revocations', 'DELETE') AS change
  FROM unnest(ARRAY['unichat_app', 'unichat_bridge', 'unichat_admin']) AS r;
SET ROLE unichat_admin;
SELECT subject_id FROM unichat_revoke('player', 'by the admin');
SELECT count(*) FROM chat_revocations;
SET ROLE unichat_bridge;
SELECT count(*) FROM unichat_revocations();
RESET ROLE;

DROP EXTENSION unichat;
