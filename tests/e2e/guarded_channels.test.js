// Who may listen. staff-portal and player-… are public names in the Pusher protocol; here they need a proven identity.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Pusher from 'pusher';
import { connectClient, connectSocket, startAll, until } from '../lib/index.js';

const { cluster, bridge } = await startAll({ sign_in_wait: '300ms', jwt_leeway: '0s' });
const clients = [];
after(() => clients.forEach((client) => client.close()));

async function client(token, signin = false) {
  const one = await connectClient(bridge, { token, signin });
  clients.push(one);
  return one;
}

const GUARDED = ['staff-portal', 'player-ada', 'private-staff-portal', 'private-player-ada'];
const who = {
  nobody: null,
  ada: bridge.token('player', 'ada', 'Ada'),
  bob: bridge.token('player', 'bob', 'Bob'),
  staff: bridge.token('staff', 'grace', 'Grace'),
  expired: bridge.token('staff', 'grace', 'Grace', { exp: Math.floor(Date.now() / 1000) - 3600 }),
  forged: bridge.token('staff', 'grace', 'Grace', {}, 'another secret of sufficient length'),
};
const allowed = { ada: ['player-ada', 'private-player-ada'], staff: GUARDED };

for (const [name, token] of Object.entries(who)) {
  for (const channel of GUARDED) {
    const may = (allowed[name] || []).includes(channel);
    test(`${name} ${may ? 'may' : 'may not'} listen to ${channel}`, async () => {
      const one = await client(token, may);
      if (may) await one.subscribe(channel);
      else await assert.rejects(one.subscribe(channel), /refused/);
    });
  }
}

test('a subscription before the sign-in is held until it is there', async () => {
  const one = await client(who.staff);
  const subscribed = one.subscribe('staff-portal');
  one.pusher.signin();
  await subscribed;
});

test('one who was refused receives nothing of what the others receive', async () => {
  const bad = await client(null);
  await assert.rejects(bad.subscribe('player-ada'));
  const good = await client(who.ada, true);
  await good.subscribe('player-ada');
  cluster.psql("SELECT unichat_send('ada', 'secret')");
  await until(() => good.events.length >= 2, "Ada's own events");
  assert.deepEqual(bad.events, []);
});

test("Pusher's server API cannot publish to a guarded channel", async () => {
  const server = new Pusher({ appId: bridge.appId, key: bridge.key, secret: bridge.secret('app_secret'), host: '127.0.0.1', port: String(bridge.port), useTLS: false });
  const good = await client(who.ada, true);
  await good.subscribe('player-ada');
  for (const channel of ['staff-portal', 'player-ada'])
    await assert.rejects(server.trigger(channel, 'staff-message-received', { message: 'not from the staff' }), channel);
  assert.deepEqual(good.events, []);
});

test('a token in the handshake is a proof too, and the connection ends with it', async () => {
  for (const headers of [(token) => ({ authorization: `Bearer ${token}` }), (token) => ({ cookie: `unichat_token=${token}` })]) {
    const soon = bridge.token('staff', 'grace', 'Grace', { exp: Math.floor(Date.now() / 1000) + 2 });
    const socket = await connectSocket(bridge, { headers: headers(soon) });
    socket.send({ event: 'pusher:subscribe', data: { channel: 'staff-portal' } });
    await socket.received((m) => m.event === 'pusher_internal:subscription_succeeded', 'the subscription');
    assert.equal((await socket.end()).code, 4009);
  }
});
