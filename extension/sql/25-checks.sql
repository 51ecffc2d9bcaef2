-- How functions that are written in SQL refuse an argument: like those in C (extension/words.c), with UC006, the argument's
-- name in the error's column field, and what is allowed.
CREATE FUNCTION @extschema@.unichat_check(valid boolean, argument text, rule text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF valid IS NOT TRUE THEN
        RAISE EXCEPTION 'invalid %', argument USING ERRCODE = 'UC006', COLUMN = argument, DETAIL = rule;
    END IF;
END
$$;
COMMENT ON FUNCTION @extschema@.unichat_check(boolean, text, text) IS 'refuses an argument that is not valid (internal)';
