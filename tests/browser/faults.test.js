// When things go wrong: nothing is missing, doubled or out of order on the pages, and what could not be sent says so.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { waitForAudits } from '../faults/lib/hear.js';
import { demoPassword, openStage } from './stage.js';

const stage = await openStage({ audit_interval: '500ms' });
after(() => stage.close());

const ann = await stage.player('ann', 'Ann');
const alex = await stage.staff('alex', 'Alex');

async function inStep(deadline) {
  await ann.showsTheTruth('ann', deadline);
  await alex.showsTheTruth('ann', deadline);
}

test('a chat to begin with', async () => {
  await ann.say('first');
  await alex.openChat('ann');
  await alex.say('second');
  await inStep();
});

test('the bridge is killed in the middle of a chat', async () => {
  await ann.say('before 1');
  await alex.say('before 2');
  await stage.bridge.kill('SIGKILL');
  await ann.say('while away 1');
  await ann.say('while away 2');
  await alex.say('while away 3');
  await stage.sql('ann', 'from the app, while away');
  await alex.sees('Reconnecting…', '.banner');
  await alex.sees('Last synced', '.banner');
  assert.ok((await ann.shown()).includes('sending while away 1'));
  await stage.bridge.restart();
  await ann.say('after 1');
  await until(async () => (await stage.truth('ann')).length === 9, 'all nine messages to be stored');
  await inStep();
  await until(async () => (await alex.page.locator('.banner').count()) === 0, 'the banner to go');
  const texts = (await stage.truth('ann')).map((line) => line.replace(/^\d+ /, ''));
  assert.equal(new Set(texts).size, texts.length);
  assert.ok(texts.indexOf('while away 1') < texts.indexOf('while away 2'));
});

test('killed with every message: again and again, still nothing missing or doubled', async () => {
  for (let round = 0; round < 4; round++) {
    await Promise.all([ann.say(`round ${round} player`), alex.say(`round ${round} staff`), stage.bridge.kill('SIGKILL')]);
    await stage.bridge.restart();
  }
  await until(async () => (await stage.truth('ann')).length === 17, 'all messages to be stored');
  await inStep();
});

test('the cable is cut: what was missed comes with the next connection', async () => {
  stage.cable.cut();
  await stage.sql('ann', 'not seen yet', 'staff', 'alex');
  await alex.sees('Reconnecting…', '.banner');
  stage.cable.mend();
  await inStep();
});

test('what was missed comes on the channel itself, not over HTTP', async () => {
  const fetched = '**/api/unified-chat/{messages,requests}?*';
  for (const portal of [ann, alex]) await portal.page.route(fetched, (route) => route.abort());
  const resumed = await stage.bridge.metric('unichat_resumes_total', 'resumed');
  stage.cable.cut();
  await alex.sees('Reconnecting…', '.banner');
  await stage.sql('ann', 'missed by both', 'staff', 'alex');
  await stage.sql('newcomer', 'a new chat that was missed');
  stage.cable.mend();
  await inStep();
  await alex.item('newcomer').waitFor();
  assert.ok(await stage.bridge.metric('unichat_resumes_total', 'resumed') >= resumed + 2);
  for (const portal of [ann, alex]) await portal.page.unroute(fetched);
});

test('cut off again before the answer: what was missed is asked for once more, not left out', async () => {
  const fetched = '**/api/unified-chat/{messages,requests}?*';
  for (const portal of [ann, alex]) await portal.page.route(fetched, (route) => route.abort());
  stage.cable.cut();
  await alex.sees('Reconnecting…', '.banner');
  await stage.sql('ann', 'missed twice', 'staff', 'alex');
  await waitForAudits(stage.bridge, 2); // now the bridge's position is behind it
  const lock = await stage.cluster.connect();
  await lock.query('BEGIN; LOCK TABLE chat_events');
  stage.cable.mend();
  await until(async () => await stage.bridge.metric('unichat_resumes') >= 2, 'both to have asked');
  for (const portal of [ann, alex]) await until(async () => (await portal.page.locator('.banner').count()) === 0, 'it to be subscribed');
  stage.cable.cut();
  await alex.sees('Reconnecting…', '.banner');
  await lock.end();
  stage.cable.mend();
  await inStep();
  for (const portal of [ann, alex]) await portal.page.unroute(fetched);
});

test('what cannot be resumed is loaded over HTTP', async () => {
  stage.cable.cut();
  await alex.sees('Reconnecting…', '.banner');
  await stage.cluster.query(`INSERT INTO chat_messages (player_id, message_text) SELECT 'crowd', n FROM generate_series(1, 5100) n`);
  await stage.sql('ann', 'after more than 5,000 events', 'staff', 'alex');
  stage.cable.mend();
  await inStep(60000);
  await until(async () => await stage.bridge.metric('unichat_resumes_total', 'resync') > 0, 'the staff to be told');
  await stage.cluster.query(`SELECT unichat_status(id, 'resolved', 'alex') FROM chat_requests WHERE player_id = 'crowd'`);
});

test('the browser goes offline and comes back', async () => {
  await ann.page.context().setOffline(true);
  stage.cable.cut();
  await ann.say('written offline');
  await ann.sees('You are offline.', '.banner');
  stage.cable.mend();
  await ann.page.context().setOffline(false);
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith('written offline')), 'the message to arrive');
  await inStep();
});

test('the connection freezes: it is noticed, and what was missed comes', async () => {
  stage.cable.freeze();
  await stage.sql('ann', 'into the silence', 'staff', 'alex');
  await ann.say('said into the silence');
  await alex.page.locator('.banner').waitFor({ timeout: 40000 });
  stage.cable.mend();
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith('said into the silence')), 'the message to arrive', 40000);
  await inStep(40000);
});

test('PostgreSQL restarts under it', async () => {
  await stage.cluster.down('immediate');
  await ann.say('while the database is down');
  await ann.page.locator('.message[data-state="sending"]').waitFor();
  await stage.cluster.start();
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith('is down')), 'the message to arrive', 40000);
  await stage.sql('ann', 'after the restart');
  await inStep(40000);
});

test('a message that the server refuses says why, can be retried under the same id, and discarded', async () => {
  const ids = [];
  let refusals = 2;
  await ann.page.route('**/api/unified-chat/send', async (route) => {
    const body = route.request().postDataJSON();
    if (body.message !== 'refused') return route.continue();
    ids.push(body.clientMessageId);
    if (refusals-- <= 0) return route.continue();
    return route.continue({ postData: JSON.stringify({ ...body, message: ' ' }) });
  });
  await ann.say('refused');
  await ann.sees('Not sent. The message must not be empty.', '.message.failed');
  await ann.say('the next one goes on');
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith('goes on')), 'the next message to arrive');
  await ann.page.getByRole('button', { name: 'Retry' }).click();
  await until(() => ids.length === 2, 'the second try');
  await ann.sees('Not sent.', '.message.failed');
  await ann.page.reload();
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith(' refused')), 'it to arrive after a reload');
  await inStep();
  assert.equal(new Set(ids).size, 1);
});

test('discarded is gone, also after a reload', async () => {
  await ann.page.unrouteAll();
  await ann.page.route('**/api/unified-chat/send', (route) => route.continue({ postData: '{"message":""}' }));
  await ann.say('think again');
  await ann.page.getByRole('button', { name: 'Discard' }).click();
  await ann.page.unrouteAll();
  await ann.page.reload();
  await inStep();
});

test('the answer to a send is lost: still one message', async () => {
  let lost = 0;
  await ann.page.route('**/api/unified-chat/send', async (route) => {
    if (lost++ > 0) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await ann.say('stored, but the answer was lost');
  await until(() => lost > 1, 'the second try');
  await ann.page.unrouteAll();
  await inStep();
  assert.equal((await stage.truth('ann')).filter((line) => line.endsWith('was lost')).length, 1);
});

test('reloaded while sending: still one message', async () => {
  stage.cable.cut();
  await ann.say('on its way during a reload');
  stage.cable.mend();
  await ann.page.reload();
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith('a reload')), 'the message to arrive');
  await inStep();
});

test('too fast for the server: it says for how long, and sends by itself', async () => {
  let tries = 0;
  await ann.page.route('**/api/unified-chat/send', (route) =>
    tries++ > 0 ? route.continue() : route.fulfill({ status: 429, headers: { 'Retry-After': '2' }, json: { error: { code: 'rate_limited', message: 'slow down' } } }),
  );
  await ann.say('a little too fast');
  await ann.sees('Slow down: next try in 2 s.', '.message:last-child');
  await until(async () => (await stage.truth('ann')).some((line) => line.endsWith('too fast')), 'the message to arrive');
  await ann.page.unrouteAll();
  await inStep();
});

test('erased: what the player wrote leaves both pages at once, and does not come back', async () => {
  const eve = await stage.player('eve', 'Eve');
  await eve.say('please forget me');
  await alex.openChat('eve');
  await alex.showsTheTruth('eve');
  await eve.page.route('**/send', (route) => route.fulfill({ status: 503, json: { error: { code: 'overloaded', message: 'x' } } }));
  await eve.say('and forget me, which is not sent yet');
  await eve.composer.fill('and forget me, which is begun');
  await alex.composer.fill('about forget me');
  const kept = (portal) => portal.page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])');
  assert.match(await kept(eve), /not sent yet.*is begun/);
  assert.match(await kept(alex), /about forget me/);
  await stage.cluster.query("SELECT unichat_erase_player('eve', 'dpo')");
  await until(async () => (await eve.shown()).length === 0 && (await alex.shown()).length === 0, 'both pages to forget');
  await until(async () => (await alex.item('eve').count()) === 0, 'the chat to leave the queue');
  for (const portal of [eve, alex]) {
    await until(async () => (await portal.composer.inputValue()) === '', 'the draft to go');
    assert.doesNotMatch(await kept(portal), /forget me/);
  }
  await alex.page.reload();
  await alex.page.locator('.chat-head').waitFor();
  assert.deepEqual(await alex.shown(), []);
  assert.ok(!(await alex.page.content()).includes('forget me'));
  await eve.close();
  await alex.openChat('ann');
});

test('two tabs of one player show the same', async () => {
  const second = await stage.open('player', { sub: 'ann', context: ann.page.context(), token: null });
  await second.say('from the second tab');
  await second.showsTheTruth('ann');
  await inStep();
  await second.close();
});

test('a session that ends is renewed over the page, and what was written goes out', async () => {
  const demo = await stage.open('player', { token: null });
  await demo.page.getByLabel('Name').fill('Dora');
  await demo.page.getByLabel('Password').fill(demoPassword);
  await demo.press('Sign in');
  await demo.page.locator('.welcome').waitFor();
  await demo.say('hello');
  await demo.sees('Sent', '.message');
  await demo.page.context().clearCookies();
  await demo.say('with no session');
  await demo.sees('Your session has ended', 'dialog');
  await demo.page.getByLabel('Name').fill('Dora');
  await demo.page.getByLabel('Password').fill('wrong');
  await demo.press('Sign in');
  await demo.sees('not right', 'dialog');
  await demo.page.getByLabel('Password').fill(demoPassword);
  await demo.press('Sign in');
  await until(async () => (await demo.shown()).length === 2 && (await demo.shown()).every((line) => /^\d/.test(line)), 'both messages to be sent');
  await demo.close();
});

test('both portals in one browser, each with its own name', async () => {
  const profile = await stage.profile();
  const player = await stage.open('player', { context: profile, token: null });
  await signIn(player, 'Gus');
  const staff = await stage.open('staff', { context: profile, token: null });
  await signIn(staff, 'Lou');
  await player.say('same browser');
  await staff.page.locator('.item', { hasText: 'Gus' }).click();
  await staff.say('I see you');
  await player.sees('I see you', '.log');
  await player.page.reload();
  await player.sees('I see you', '.log');
  await profile.close();
});

async function signIn(portal, name) {
  await portal.page.getByLabel('Name').fill(name);
  await portal.page.getByLabel('Password').fill(demoPassword);
  await portal.press('Sign in');
  await portal.page.locator('.welcome, .queue').first().waitFor();
}

test('nothing was complained about in any page', () => assert.deepEqual(stage.troubles, []));
