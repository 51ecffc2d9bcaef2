-- Notifications. Whoever is connected to a database may LISTEN and NOTIFY, on any channel whose name he knows; so the names hold a
-- secret. extension/notify.c has the model.

CREATE TABLE @extschema@.unichat_secret (
    secret text NOT NULL DEFAULT pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(
        pg_catalog.uuid_send(pg_catalog.gen_random_uuid()) || pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 'hex'), 32)
        CHECK (secret ~ '^[0-9a-f]{32}$')
);
CREATE UNIQUE INDEX unichat_secret_one ON @extschema@.unichat_secret ((true));
ALTER TABLE @extschema@.unichat_secret ALTER secret SET STATISTICS 0;
COMMENT ON TABLE @extschema@.unichat_secret IS
    'unichat: what the names of the notification channels end with. One row, for the owner alone. Not in dumps.';

CREATE FUNCTION @extschema@.unichat_secret_changed() RETURNS trigger AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_secret_changed() IS 'unichat: a new secret counts in every session';
CREATE TRIGGER zz_unichat_changed AFTER INSERT OR UPDATE OR DELETE ON @extschema@.unichat_secret
    EXECUTE FUNCTION @extschema@.unichat_secret_changed();
INSERT INTO @extschema@.unichat_secret DEFAULT VALUES;

CREATE FUNCTION @extschema@.unichat_listen(kinds text[] DEFAULT '{event}') RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_listen(text[]) IS
    'LISTENs to the channels of these kinds of notifications: event, publish, identity, revoked, probe. A channel is called unichat_KIND_SECRET.';

CREATE FUNCTION @extschema@.unichat_notify(kind text, payload text) RETURNS void
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_notify(text, text) IS 'unichat: NOTIFYs on the channel of this kind (internal)';
