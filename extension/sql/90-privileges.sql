-- Nothing is for PUBLIC, and pg_dump keeps the data.

REVOKE EXECUTE ON FUNCTION
    @extschema@.unichat_send(text, text, text, text, text, text, text, bigint),
    @extschema@.unichat_status(bigint, text, text, text),
    @extschema@.unichat_read(text, text, bigint),
    @extschema@.unichat_erase_player(text, text),
    @extschema@.unichat_prune(interval, text, integer),
    @extschema@.unichat_messages(text, bigint, bigint, integer),
    @extschema@.unichat_requests(text[], text, integer, text),
    @extschema@.unichat_payload(text, text, bigint, bigint, text, bigint, text, text, text, text, text, timestamptz, xid8, text, text, text, text),
    @extschema@.unichat_events_since(pg_snapshot),
    @extschema@.unichat_event(text, bigint),
    @extschema@.unichat_events_after(text, bigint, integer),
    @extschema@.unichat_epoch(),
    @extschema@.unichat_stats(),
    @extschema@.unichat_delivery(),
    @extschema@.unichat_message_before(),
    @extschema@.unichat_message_after(),
    @extschema@.unichat_request_before(),
    @extschema@.unichat_request_after(),
    @extschema@.unichat_event_before(),
    @extschema@.unichat_append_only()
FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_players', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_requests', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_requests_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_messages', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_messages_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.chat_events', '');
