\echo Use "CREATE EXTENSION unichat" to load this file. \quit

-- This script runs as a superuser, in a schema in which others may have been before: what they planted there, an operator
-- `=` say, would be found by an unqualified name. So names mean pg_catalog's here, and our own are written with their schema.
SET LOCAL search_path = pg_catalog, pg_temp;

-- The roles. They are the cluster's, so another database may have made them, at this very moment even; and DROP EXTENSION
-- leaves them. One that exists has to be as we would have made it: no login, no rights of its own or of another role. Whoever is
-- a member of it already is told to whoever installs, because he gets the role's rights here too.
DO $$
DECLARE
    name    text;
    role    pg_authid;
    members text;
BEGIN
    FOREACH name IN ARRAY ARRAY['unichat_app', 'unichat_bridge', 'unichat_admin', 'unichat_player'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            CONTINUE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        SELECT * INTO STRICT role FROM pg_authid WHERE rolname = name;
        IF role.rolcanlogin OR role.rolsuper OR role.rolcreaterole OR role.rolcreatedb OR role.rolreplication
           OR role.rolbypassrls OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = role.oid) THEN
            RAISE EXCEPTION 'role "%" exists and is not one of unichat''s', name
                USING ERRCODE = 'duplicate_object',
                      DETAIL = 'It may log in, has an attribute such as CREATEROLE, or is a member of another role.',
                      HINT = 'Rename it, or take that away from it, and create the extension again.';
        END IF;
        SELECT string_agg(quote_ident(u.rolname), ', ' ORDER BY u.rolname) INTO members
          FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member
         WHERE m.roleid = role.oid;
        IF members IS NOT NULL THEN
            RAISE WARNING 'role "%" has members already, which get its rights in this database too: %', name, members;
        END IF;
    END LOOP;
END
$$;
