// Who may create functions and operators in a schema that the bridge's session finds names in, has them called by nobody: neither
// before the session's search_path is the bridge's own nor after it, in the extension's own schema.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectClient, startBridge, startCluster, until } from '../lib/index.js';

const cluster = await startCluster({ schema: 'chat' });
after(() => cluster.stop());
const LISTENS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'unichat-bridge listener%'";

// Traps of mallory's, better matches than PostgreSQL's own where there is a better one: each notes that it was run, by a role
// that has more rights than mallory.
cluster.psql(`CREATE TABLE public.trapped (what text);
  GRANT INSERT ON public.trapped TO PUBLIC;
  CREATE ROLE mallory;
  GRANT CREATE, USAGE ON SCHEMA public, chat TO mallory;
  GRANT USAGE ON TYPE chat.unichat_queued TO mallory; -- by itself it is nobody's but the extension's roles'
  ALTER ROLE chat_bridge SET search_path = public, chat`);
cluster.psql(`SET ROLE mallory;
  CREATE FUNCTION public.set_traps(OUT operators integer, OUT functions integer) LANGUAGE plpgsql SET search_path = pg_catalog AS $$
  DECLARE
    types CONSTANT text[] := '{name,text,varchar,oid,regclass,boolean,integer,"\\"char\\""}';
    l text; r text; f text; args text; made text;
  BEGIN
    operators := 0; functions := 0;
    FOREACH l IN ARRAY types LOOP
      FOREACH r IN ARRAY types LOOP
        made := format('public.%I', 'of ' || l || ' and ' || r);
        EXECUTE format('CREATE FUNCTION %s(%s, %s) RETURNS boolean LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.trapped VALUES (%L); RETURN true; END $f$', made, l, r, made);
        FOREACH f IN ARRAY '{=,<>,||}'::text[] LOOP
          CONTINUE WHEN EXISTS (SELECT FROM pg_operator o WHERE o.oprname = f AND o.oprleft = l::regtype AND o.oprright = r::regtype);
          EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s)', f, l, r, made);
          operators := operators + 1;
        END LOOP;
      END LOOP;
      FOREACH f IN ARRAY '{quote_ident,current_setting,has_schema_privilege,has_function_privilege,set_config,format}'::text[] LOOP
        FOREACH args IN ARRAY ARRAY[l, l || ', text', 'text, ' || l, l || ', ' || l, l || ', text, boolean', 'text, ' || l || ', boolean'] LOOP
          BEGIN
            EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS text LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO public.trapped VALUES (%L); RETURN 1; END $f$', f, args, f || '(' || args || ')');
            functions := functions + 1;
          EXCEPTION WHEN duplicate_function THEN NULL;
          END;
        END LOOP;
      END LOOP;
    END LOOP;
  END $$;
  SELECT public.set_traps()`);

// What a session of the bridge has run of mallory's.
async function isUntouched() {
  assert.deepEqual(await cluster.query('SELECT what, count(*)::int FROM public.trapped GROUP BY what'), []);
}

async function chat(bridge, id) {
  const [player, staff] = [bridge.token('player', id), bridge.token('staff', 'grace')];
  const client = await connectClient(bridge, { token: player, channels: [`private-player-${id}`] });
  const sent = await bridge.api('POST', '/api/unified-chat/send', { token: player, body: { message: 'hello' } });
  assert.equal(sent.status, 201, JSON.stringify(sent.body));
  for (const [method, where, token, body] of [['GET', `messages/${id}`, player], ['GET', 'requests', staff], ['GET', `requests?playerId=${id}`, staff],
    ['POST', `read/${id}`, player, { seq: 2 }], ['POST', `status/${sent.body.requestId}`, staff, { status: 'in_progress' }],
    ['POST', `block/${id}`, staff, { blocked: true }]]) {
    const answer = await bridge.api(method, `/api/unified-chat/${where}`, { token, body });
    assert.equal(answer.status, 200, `${where}: ${JSON.stringify(answer.body)}`);
  }
  await client.waitFor((e) => e.event === 'player-blocked', 'the last event');
  client.close();
}

test('the traps are better matches where names are given without a schema', async () => {
  cluster.psql("SET search_path = public; SELECT quote_ident('x'::name)");
  assert.deepEqual(await cluster.query('DELETE FROM public.trapped RETURNING what'), [{ what: 'quote_ident(name)' }]);
});

test('a bridge whose login finds mallory’s schema first chats, and runs nothing of it', async () => {
  const bridge = await startBridge(cluster);
  after(() => bridge.stop());
  await chat(bridge, 'ada');
  await isUntouched();
});

test('nor does it with mallory’s functions beside the extension’s, under the same names', async () => {
  const overloads = [['unichat_listen', 'text', 'void'], ['unichat_events_since', 'pg_snapshot', 'TABLE (player_id text, seq bigint, xid xid8, payload text)'],
    ['unichat_requests', 'text[], text, integer', 'SETOF chat.unichat_queued'], ['unichat_requests', 'text, text, integer', 'SETOF chat.unichat_queued']];
  for (const [name, args, result] of overloads)
    cluster.psql(`SET ROLE mallory; CREATE FUNCTION chat.${name}(${args}) RETURNS ${result} LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO public.trapped VALUES ('${name}(${args})'); ${result === 'void' ? '' : 'RETURN;'} END $$`);
  const bridge = await startBridge(cluster);
  after(() => bridge.stop());
  await chat(bridge, 'bob');
  const [{ pid }] = await cluster.query(LISTENS);
  await cluster.query('SELECT pg_terminate_backend($1)', [pid]); // it catches up from a snapshot of its own
  await until(async () => (await cluster.query(`${LISTENS} AND pid <> $1`, [pid])).length, 'the next session');
  await chat(bridge, 'cyd');
  await isUntouched();
});
