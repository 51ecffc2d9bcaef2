-- The rules. A plain INSERT, a COPY and unichat_send() all come through these triggers, so all of them behave alike.
--
-- BEFORE ROW triggers fire in the order of their names. These are named to fire after an application's own, so that
-- what is checked and stored is what is there in the end.

CREATE FUNCTION @extschema@.unichat_message_before() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
CREATE FUNCTION @extschema@.unichat_message_after() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
CREATE FUNCTION @extschema@.unichat_request_before() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
CREATE FUNCTION @extschema@.unichat_request_after() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
CREATE FUNCTION @extschema@.unichat_event_before() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
CREATE FUNCTION @extschema@.unichat_append_only() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;

COMMENT ON FUNCTION @extschema@.unichat_message_before() IS 'unichat: checks a new message, finds or opens its request, takes its seq';
COMMENT ON FUNCTION @extschema@.unichat_message_after() IS 'unichat: stores and announces the events of a new message';
COMMENT ON FUNCTION @extschema@.unichat_request_before() IS 'unichat: the rules of a request''s status';
COMMENT ON FUNCTION @extschema@.unichat_request_after() IS 'unichat: stores and announces a request''s events';
COMMENT ON FUNCTION @extschema@.unichat_event_before() IS 'unichat: only unichat writes events; restored ones get a frozen xid';
COMMENT ON FUNCTION @extschema@.unichat_append_only() IS 'unichat: refuses to change or delete history';

CREATE TRIGGER zz_unichat_before BEFORE INSERT ON @extschema@.chat_messages
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_message_before();
CREATE TRIGGER zz_unichat_after AFTER INSERT ON @extschema@.chat_messages
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_message_after();
CREATE TRIGGER zz_unichat_append_only BEFORE UPDATE OR DELETE ON @extschema@.chat_messages
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_append_only();
CREATE TRIGGER zz_unichat_truncate BEFORE TRUNCATE ON @extschema@.chat_messages
    EXECUTE FUNCTION @extschema@.unichat_append_only();

CREATE TRIGGER zz_unichat_before BEFORE INSERT OR UPDATE ON @extschema@.chat_requests
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_request_before();
CREATE TRIGGER zz_unichat_created AFTER INSERT ON @extschema@.chat_requests
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_request_after();
-- OF, so that WHEN is not even looked at for the UPDATE that every message makes.
CREATE TRIGGER zz_unichat_changed AFTER UPDATE OF status, assigned_to ON @extschema@.chat_requests
    FOR EACH ROW WHEN (OLD.status <> NEW.status OR OLD.assigned_to IS DISTINCT FROM NEW.assigned_to)
    EXECUTE FUNCTION @extschema@.unichat_request_after();
CREATE TRIGGER zz_unichat_append_only BEFORE DELETE ON @extschema@.chat_requests
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_append_only();
CREATE TRIGGER zz_unichat_truncate BEFORE TRUNCATE ON @extschema@.chat_requests
    EXECUTE FUNCTION @extschema@.unichat_append_only();

CREATE TRIGGER zz_unichat_before BEFORE INSERT ON @extschema@.chat_events
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_event_before();
CREATE TRIGGER zz_unichat_append_only BEFORE UPDATE OR DELETE ON @extschema@.chat_events
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_append_only();
CREATE TRIGGER zz_unichat_truncate BEFORE TRUNCATE ON @extschema@.chat_events
    EXECUTE FUNCTION @extschema@.unichat_append_only();

CREATE TRIGGER zz_unichat_append_only BEFORE DELETE ON @extschema@.chat_players
    FOR EACH ROW EXECUTE FUNCTION @extschema@.unichat_append_only();
CREATE TRIGGER zz_unichat_truncate BEFORE TRUNCATE ON @extschema@.chat_players
    EXECUTE FUNCTION @extschema@.unichat_append_only();
