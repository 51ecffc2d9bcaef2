-- Whose tokens the bridges refuse although their signature and exp are right: of somebody who has left, or whose device is lost.
--
-- A revocation is of an identity. It covers every token that was issued before it; a later login is accepted, so there is
-- nothing to take back. Bridges read the list when they begin to listen, and again whenever a notification says that it has grown.

CREATE TABLE @extschema@.chat_revocations (
    subject_role text COLLATE "C" NOT NULL CHECK (subject_role IN ('player', 'staff')),
    subject_id   text COLLATE "C" NOT NULL CHECK (pg_catalog.octet_length(subject_id) BETWEEN 1 AND 128),
    revoked_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    actor        text,
    PRIMARY KEY (subject_role, subject_id)
);
CREATE INDEX chat_revocations_expiry ON @extschema@.chat_revocations (expires_at);

COMMENT ON TABLE @extschema@.chat_revocations IS 'unichat: whose tokens are refused, and up to which time of issue (unichat_revoke)';
COMMENT ON COLUMN @extschema@.chat_revocations.subject_id IS 'the sub of the tokens';
COMMENT ON COLUMN @extschema@.chat_revocations.revoked_at IS 'tokens issued up to then are refused';
COMMENT ON COLUMN @extschema@.chat_revocations.expires_at IS 'when no such token can be alive any more; the row is deleted some time later. NULL: never';
COMMENT ON COLUMN @extschema@.chat_revocations.actor IS 'who has revoked';

-- What a bridge is told: {"role","sub","until"}, the last in seconds as a token's iat is.
CREATE FUNCTION @extschema@.unichat_revocations()
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT jsonb_build_object('role', subject_role, 'sub', subject_id, 'until', floor(extract(epoch FROM revoked_at))::bigint)::text
    FROM @extschema@.chat_revocations
    WHERE expires_at IS NULL OR expires_at > clock_timestamp();
END;
COMMENT ON FUNCTION @extschema@.unichat_revocations() IS 'for the bridge: the list of chat_revocations in its own form';

-- clock_timestamp(), not now(): a token that was issued while this transaction already ran is meant too.
CREATE FUNCTION @extschema@.unichat_revoke(
    subject_role text, subject_id text, actor text DEFAULT NULL, tokens_live interval DEFAULT NULL)
RETURNS @extschema@.chat_revocations
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    at timestamptz := clock_timestamp();
    stored record;
BEGIN
    -- As in 60-push.sql: the schema may have been renamed, and what fits by a polymorphic argument is written with its own.
    PERFORM set_config('search_path', 'pg_catalog, ' || extnamespace::regnamespace || ', pg_temp', true)
       FROM pg_extension WHERE extname = 'unichat';
    PERFORM unichat_check(subject_role IN ('player', 'staff'), 'subject_role', 'The role of a token is player or staff.');
    PERFORM unichat_check(octet_length(subject_id) BETWEEN 1 AND 128, 'subject_id', 'The sub of a token has 1 to 128 bytes.');
    PERFORM unichat_check(actor IS NULL OR octet_length(actor) BETWEEN 1 AND 128, 'actor', 'It is null or of 1 to 128 bytes.');
    PERFORM unichat_check(tokens_live IS NULL OR tokens_live BETWEEN interval '0' AND interval '1000 years', 'tokens_live',
                          'It is the longest time that a token is valid: not negative, at most 1000 years, or null for ever.');
    DELETE FROM chat_revocations AS r WHERE r.expires_at < at - interval '1 day';
    INSERT INTO chat_revocations AS r
        VALUES (subject_role, subject_id, at, at + tokens_live, actor)
        ON CONFLICT ON CONSTRAINT chat_revocations_pkey DO UPDATE
            SET revoked_at = greatest(r.revoked_at, excluded.revoked_at), actor = excluded.actor,
                expires_at = CASE WHEN r.expires_at IS NULL THEN NULL ELSE greatest(r.expires_at, excluded.expires_at) END
        RETURNING * INTO stored;
    PERFORM unichat_notify('revoked', '');   -- that there is one; bridges read the list
    RETURN stored;
END
$function$;
COMMENT ON FUNCTION @extschema@.unichat_revoke(text, text, text, interval) IS
    'every token of this player or staff member that was issued until now is refused, and the connections that live by one are closed. tokens_live: the longest time that your login''s tokens are valid, after which this may be forgotten; NULL: never.';

SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_revocations', '');
