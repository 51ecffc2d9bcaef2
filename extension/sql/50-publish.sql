/*
 * 50-publish.sql: any event to any Pusher channel, from SQL.
 *
 * A NOTIFY of the transaction, so it is sent if and only if that commits, and to every bridge. It is not stored: who does not
 * listen at that moment does not get it, as with Pusher's own server API.
 *
 * A notification holds at most 8000 bytes. A longer message goes in parts, `ID PART OF TEXT`. PostgreSQL delivers the
 * notifications of one transaction together and in their order, so the bridge has only to put them together again; the random ID
 * keeps two equal messages of one transaction from being taken for one.
 */
CREATE FUNCTION @extschema@.unichat_publish(channel text, event text, data jsonb, socket_id text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    part_chars CONSTANT integer := 1900;
    message text := pg_catalog.jsonb_build_object('channel', channel, 'event', event,
                        'data', coalesce(data, 'null')::text, 'socket_id', socket_id)::text;
    id text := pg_catalog.gen_random_uuid()::text;
    parts integer := (pg_catalog.length(message) + part_chars - 1) / part_chars;
BEGIN
    -- As in 60-push.sql: the schema may have been renamed.
    PERFORM set_config('search_path', 'pg_catalog, ' || extnamespace::regnamespace || ', pg_temp', true)
       FROM pg_extension WHERE extname = 'unichat';
    IF coalesce(channel, '') !~ '^(#server-to-user-)?[A-Za-z0-9_=@,.;-]+$' OR pg_catalog.length(channel) > 200 THEN
        RAISE EXCEPTION 'invalid channel name' USING ERRCODE = 'UC006', COLUMN = 'channel',
            DETAIL = 'A channel name has 1 to 200 letters, digits and the characters _-=@,.; only.';
    END IF;
    IF coalesce(event, '') = '' OR pg_catalog.octet_length(event) > 200 OR event ~ '^pusher(_internal)?:' THEN
        RAISE EXCEPTION 'invalid event name' USING ERRCODE = 'UC006', COLUMN = 'event',
            DETAIL = 'An event name has 1 to 200 bytes and does not begin with "pusher:" or "pusher_internal:".';
    END IF;
    IF socket_id !~ '^[0-9]+[.][0-9]+$' THEN
        RAISE EXCEPTION 'invalid socket id' USING ERRCODE = 'UC006', COLUMN = 'socket_id',
            DETAIL = 'A socket id is two numbers with a dot between them, as the client was told.';
    END IF;
    IF pg_catalog.octet_length(message) > 1048576 THEN
        RAISE EXCEPTION 'event is too large' USING ERRCODE = 'UC006', COLUMN = 'data',
            DETAIL = 'An event has at most 1 MB.';
    END IF;
    FOR part IN 1 .. parts LOOP
        PERFORM unichat_notify('publish', pg_catalog.format('%s %s %s ', id, part, parts) ||
            pg_catalog.substr(message, (part - 1) * part_chars + 1, part_chars));
    END LOOP;
END
$function$;

COMMENT ON FUNCTION @extschema@.unichat_publish(text, text, jsonb, text) IS
    'Sends an event to a Pusher channel when the transaction commits; not to the connection with socket_id. Not stored.';
