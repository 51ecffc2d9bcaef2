-- unichat_publish(): an event to any channel, in the transaction; in parts where one notification is too small.
CREATE EXTENSION unichat;
\set SHOW_CONTEXT never

-- What is wrong names its field.
SELECT unichat_publish('a b', 'e', '{}');
SELECT unichat_publish(NULL, 'e', '{}');
SELECT unichat_publish(repeat('x', 201), 'e', '{}');
SELECT unichat_publish('x', '', '{}');
SELECT unichat_publish('x', 'pusher:ping', '{}');
SELECT unichat_publish('x', repeat('e', 201), '{}');
SELECT unichat_publish('x', 'e', '{}', 'nobody');
SELECT unichat_publish('x', 'e', to_jsonb(repeat('x', 1048577)));
DO $$
DECLARE field text;
BEGIN
    PERFORM unichat_publish('a b', 'e', '{}');
EXCEPTION WHEN sqlstate 'UC006' THEN
    GET STACKED DIAGNOSTICS field = COLUMN_NAME;
    RAISE NOTICE 'the field is %', field;
END $$;

-- What is right is taken: every name, any data, up to a megabyte.
SELECT unichat_publish('Az09_-=@,.;', 'e', NULL), unichat_publish('#server-to-user-7', 'e', '[1]', '12.34');
SELECT unichat_publish('x', 'e', to_jsonb(repeat('ä', 400000)));

-- Nobody else may.
SELECT has_function_privilege('public', 'unichat_publish(text, text, jsonb, text)', 'EXECUTE');
DROP EXTENSION unichat;
