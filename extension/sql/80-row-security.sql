-- Whom a session speaks for, and what it sees. extension/access.c has the model.

CREATE TABLE @extschema@.unichat_keys (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secret     bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
               CHECK (octet_length(secret) >= 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE @extschema@.unichat_keys IS
    'unichat: the keys that sign players'' tokens; the newest signs, all are accepted. Not in dumps.';
INSERT INTO @extschema@.unichat_keys DEFAULT VALUES;

CREATE FUNCTION @extschema@.unichat_player_id() RETURNS text AS 'MODULE_PATHNAME' LANGUAGE C STABLE;
COMMENT ON FUNCTION @extschema@.unichat_player_id() IS
    'the player that this session speaks for, by unichat.player_token or unichat.player_id; UC030 if there is none';

CREATE FUNCTION @extschema@.unichat_player_token(player_id text, valid_for interval DEFAULT '1 hour')
RETURNS text AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_player_token(text, interval) IS
    'a signed token with which a session of unichat_player speaks for the player: SET unichat.player_token';

-- Row security is on whatever happens, so who has been granted SELECT on all tables of a schema sees nothing here.
ALTER TABLE @extschema@.chat_players ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.chat_requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.chat_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.chat_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.push_notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.push_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.push_turn ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.chat_revocations ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.unichat_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE @extschema@.unichat_secret ENABLE ROW LEVEL SECURITY;

-- pg_dump takes an extension's policies for the user's, and writes them into the dump. So when a dump is restored, which is
-- when row_security is off, they come from there, and making them here would only be in their way.
DO $$
DECLARE
    of_chat text;
BEGIN
    IF current_setting('row_security') = 'off' THEN
        RETURN;
    END IF;
    FOREACH of_chat IN ARRAY ARRAY['chat_players', 'chat_requests', 'chat_messages', 'chat_events'] LOOP
        EXECUTE format('CREATE POLICY unichat_all ON @extschema@.%I FOR SELECT
                            TO unichat_app, unichat_bridge, unichat_admin USING (true)', of_chat);
        EXECUTE format('CREATE POLICY unichat_own ON @extschema@.%I FOR SELECT
                            TO unichat_player USING (player_id = (SELECT @extschema@.unichat_player_id()))', of_chat);
    END LOOP;
    CREATE POLICY unichat_change_all ON @extschema@.chat_requests FOR UPDATE TO unichat_app, unichat_admin USING (true);
    CREATE POLICY unichat_send_all ON @extschema@.chat_messages FOR INSERT TO unichat_app WITH CHECK (true);
    CREATE POLICY unichat_send_own ON @extschema@.chat_messages FOR INSERT TO unichat_player
        WITH CHECK (player_id = (SELECT @extschema@.unichat_player_id()) AND sender = 'player');
    CREATE POLICY unichat_admin ON @extschema@.push_notifications FOR SELECT TO unichat_admin USING (true);
    CREATE POLICY unichat_admin ON @extschema@.push_attempts FOR SELECT TO unichat_admin USING (true);
    CREATE POLICY unichat_admin ON @extschema@.chat_revocations FOR SELECT TO unichat_admin USING (true);
    CREATE POLICY unichat_admin ON @extschema@.unichat_keys TO unichat_admin USING (true);
END
$$;
