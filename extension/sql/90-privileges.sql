-- Nothing is for PUBLIC, whatever the files before this one have made.
DO $$
DECLARE
    member regprocedure;
    type   regtype;
BEGIN
    FOR member IN
        SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
           AND e.extname = 'unichat'
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', member);
    END LOOP;
    -- Types, also those of the tables' rows: a table of somebody's with a column of such a type would keep us from altering ours.
    FOR type IN
        SELECT t.oid FROM pg_type t JOIN pg_depend d
                ON (d.classid, d.objid) IN (('pg_type'::regclass, t.oid), ('pg_class'::regclass, t.typrelid))
          JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'unichat' AND t.typelem = 0
    LOOP
        EXECUTE format('REVOKE ALL ON TYPE %s FROM PUBLIC', type);
    END LOOP;
END
$$;
GRANT USAGE ON TYPE @extschema@.unichat_sent, @extschema@.unichat_queued TO unichat_app, unichat_bridge, unichat_admin, unichat_player;

GRANT USAGE ON SCHEMA @extschema@ TO unichat_app, unichat_bridge, unichat_admin, unichat_player;

-- Reading. The functions of 40-reading.sql run with the rights of who calls them, so that they can be inlined.
GRANT SELECT ON
    @extschema@.chat_players, @extschema@.chat_requests, @extschema@.chat_messages, @extschema@.chat_events,
    @extschema@.unichat_event_payloads
    TO unichat_app, unichat_bridge, unichat_admin;
GRANT EXECUTE ON FUNCTION
    @extschema@.unichat_messages(text, bigint, bigint, integer),
    @extschema@.unichat_requests(text[], text, integer, text),
    @extschema@.unichat_payload(text, text, bigint, bigint, text, bigint, text, text, text, text, text, timestamptz, xid8, text, text, text, text),
    @extschema@.unichat_event(text, bigint),
    @extschema@.unichat_events_after(text, bigint, integer),
    @extschema@.unichat_events_since(pg_snapshot, text, bigint, integer),
    @extschema@.unichat_epoch()
    TO unichat_app, unichat_bridge, unichat_admin;

-- Writing.
GRANT INSERT ON @extschema@.chat_messages TO unichat_app;
GRANT UPDATE (status, assigned_to, urgency, player_name) ON @extschema@.chat_requests TO unichat_app, unichat_admin;
GRANT EXECUTE ON FUNCTION
    @extschema@.unichat_send(text, text, text, text, text, text, text, bigint),
    @extschema@.unichat_status(bigint, text, text, text),
    @extschema@.unichat_read(text, text, bigint)
    TO unichat_app, unichat_bridge;
GRANT EXECUTE ON FUNCTION @extschema@.unichat_block(text, boolean, text) TO unichat_bridge, unichat_admin;
GRANT EXECUTE ON FUNCTION @extschema@.unichat_publish(text, text, jsonb, text) TO unichat_app;

-- A player's own session: what it may see and write of this is decided by 80-row-security.sql.
GRANT SELECT ON
    @extschema@.chat_players, @extschema@.chat_requests, @extschema@.chat_messages, @extschema@.chat_events,
    @extschema@.unichat_event_payloads
    TO unichat_player;
GRANT INSERT ON @extschema@.chat_messages TO unichat_player;
GRANT EXECUTE ON FUNCTION
    @extschema@.unichat_messages(text, bigint, bigint, integer),
    @extschema@.unichat_requests(text[], text, integer, text),
    @extschema@.unichat_payload(text, text, bigint, bigint, text, bigint, text, text, text, text, text, timestamptz, xid8, text, text, text, text),
    @extschema@.unichat_event(text, bigint),
    @extschema@.unichat_events_after(text, bigint, integer),
    @extschema@.unichat_send(text, text, text, text, text, text, text, bigint),
    @extschema@.unichat_read(text, text, bigint),
    @extschema@.unichat_player_id()
    TO unichat_player;
GRANT EXECUTE ON FUNCTION @extschema@.unichat_player_token(text, interval) TO unichat_app, unichat_admin;

-- The push queue.
GRANT EXECUTE ON FUNCTION
    @extschema@.unichat_push_claim(interval, int, int, interval, int),
    @extschema@.unichat_push_result(bigint, int, text, int, text, text, interval, text, int, interval),
    @extschema@.unichat_push_queue()
    TO unichat_bridge;

GRANT EXECUTE ON FUNCTION @extschema@.unichat_delivery() TO unichat_bridge;

-- Notifications. Whoever is granted these hears and forges everything: the bridge, and what else is to hear of events.
GRANT EXECUTE ON FUNCTION @extschema@.unichat_listen(text[]), @extschema@.unichat_notify(text, text) TO unichat_bridge;

-- Revoked tokens.
GRANT EXECUTE ON FUNCTION @extschema@.unichat_revocations() TO unichat_bridge;
GRANT EXECUTE ON FUNCTION @extschema@.unichat_revoke(text, text, text, interval) TO unichat_admin;

-- Administration.
GRANT SELECT ON @extschema@.push_notifications, @extschema@.push_attempts, @extschema@.chat_revocations TO unichat_admin;
GRANT SELECT, INSERT, DELETE ON @extschema@.unichat_keys TO unichat_admin;
GRANT EXECUTE ON FUNCTION
    @extschema@.unichat_status(bigint, text, text, text),
    @extschema@.unichat_erase_player(text, text),
    @extschema@.unichat_prune(interval, text, integer),
    @extschema@.unichat_verify(text),
    @extschema@.unichat_stats(),
    @extschema@.unichat_delivery(),
    @extschema@.unichat_delivery_stop(),
    @extschema@.unichat_push_queue(),
    @extschema@.unichat_push_resend(bigint)
    TO unichat_admin;

SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_players', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_requests', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_requests_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_messages', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_messages_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_events', '');
