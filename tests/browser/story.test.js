// The whole story, player and staff side by side: from the first message to a second request after the first is resolved.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { openStage } from './stage.js';

const stage = await openStage();
after(() => stage.close());

const ann = await stage.player('ann', 'Ann Lee');
const alex = await stage.staff('alex', 'Alex');
const kim = await stage.staff('kim', 'Kim', { colorScheme: 'dark' });

test('the player can write at once: nothing stands before the box', async () => {
  await ann.page.locator('.welcome').waitFor();
  assert.equal(await ann.page.evaluate('document.activeElement.tagName'), 'TEXTAREA');
  await ann.page.keyboard.type('Hi! My deposit of 50 € has not arrived.');
  await ann.page.keyboard.press('Enter');
  await ann.sees('Sent', '.message');
  await ann.sees('Waiting for an answer', '.state');
  assert.equal(await ann.composer.inputValue(), '');
});

test('a NEW CHAT stands out at once: in the list, the title and the icon', async () => {
  await alex.item('ann').waitFor();
  const item = await alex.section('waiting').innerText();
  for (const text of ['Ann Lee', 'NEW CHAT', 'My deposit of 50 €']) assert.ok(item.includes(text), `${text} in ${item}`);
  await until(async () => (await alex.page.title()) === '(1) NEW CHAT', 'the title to say so');
  assert.match(await alex.page.locator('#icon').getAttribute('href'), /icon-alert\.svg$/);
  assert.equal(await alex.page.locator('.unread').innerText(), '1\nunread');
});

test('the waiting time ticks', async () => {
  const wait = alex.item('ann').locator('.wait');
  const first = await wait.innerText();
  await until(async () => (await wait.innerText()) !== first, 'the waiting time to move');
});

test('urgency is a choice at the beginning, and comes first in the queue', async () => {
  const bo = await stage.player('bo', 'Bo Urgent');
  await bo.page.getByLabel('Urgency').selectOption('urgent');
  await bo.say('I cannot log in.');
  await alex.item('bo').waitFor();
  assert.deepEqual(await alex.section('waiting').locator('.item-name').allInnerTexts(), ['Bo Urgent', 'Ann Lee']);
  assert.equal(await alex.item('bo').locator('.urgency').innerText(), 'urgent');
  await until(async () => (await bo.page.getByLabel('Urgency').count()) === 0, 'the choice to go away');
  await bo.close();
});

test('looking at it makes it new no more; both see who claims', async () => {
  await alex.openChat('ann');
  await alex.showsTheTruth('ann');
  await until(async () => (await alex.item('ann').locator('.tag.new').count()) === 0, 'NEW CHAT to go');
  await until(async () => (await alex.item('ann').locator('.unread').count()) === 0, 'the unread count to go');
  await kim.openChat('ann');
  await alex.press('Claim');
  await alex.sees('Yours', '.chat-standing');
  await ann.sees('alex is answering', '.state');
  await until(async () => (await alex.section('mine').locator('.item').count()) === 1, 'the chat to be in Mine');
  await kim.sees('alex has this chat', '.chat-standing');
  assert.equal(await kim.composer.isDisabled(), true);
});

test('both talk; each sees the other at once', async () => {
  await alex.say('Hello Ann, I am looking into it.');
  await alex.say('It is booked: see https://example.org/status?id=1.');
  await until(async () => (await ann.page.locator('.message.theirs').count()) === 2, 'the answers');
  await ann.say('Great, thank you!\nThat was quick.');
  await until(async () => (await alex.page.locator('.message.theirs').count()) === 2, 'the thanks');
  for (const portal of [ann, alex, kim]) await portal.showsTheTruth('ann');
  const link = ann.page.locator('.message a');
  assert.equal(await link.getAttribute('href'), 'https://example.org/status?id=1');
  assert.match(await link.getAttribute('rel'), /noopener/);
});

test('release gives it back, a reply claims it', async () => {
  await alex.press('Release');
  await ann.sees('Waiting for an answer', '.state');
  await kim.sees('Waiting for an answer', '.chat-standing');
  await kim.say('Kim here: is there anything else?');
  await kim.sees('Yours', '.chat-standing');
  await ann.sees('kim is answering', '.state');
  await alex.sees('kim has this chat', '.chat-standing');
  assert.equal(await alex.page.locator('.message.colleague .author').innerText(), 'kim');
  assert.equal(await kim.page.locator('.message.colleague .author').innerText(), 'alex');
});

test('resolved: the player reads so, the staff cannot write, the queue lets go', async () => {
  await kim.press('Resolve');
  await ann.sees('Resolved.', '.resolved');
  await kim.sees('Resolved', '.chat-standing');
  assert.equal(await kim.composer.isDisabled(), true);
  await until(async () => (await kim.item('ann').count()) === 0, 'the chat to leave the queue');
  await ann.picture('player-resolved');
});

test('the next message opens a second request, divided from the first', async () => {
  await ann.say('One more thing: how do I change my address?');
  await alex.item('ann').waitFor();
  await ann.sees('Waiting for an answer', '.state');
  await ann.sees('New request', '.log');
  await until(async () => (await alex.page.locator('.divider.request').count()) === 2, 'the line between the requests');
  await alex.sees('resolved by kim', '.log');
  await until(async () => (await alex.page.locator('.details li').count()) === 2, 'both requests beside the chat');
  for (const portal of [ann, alex, kim]) await portal.showsTheTruth('ann');
  const [{ count }] = await stage.cluster.query("SELECT count(*)::int FROM chat_requests WHERE player_id = 'ann'");
  assert.equal(count, 2);
  await alex.picture('staff-second-request');
});

test('two claim at once: one has it, the other reads who', async () => {
  await kim.openChat('ann');
  await Promise.all([alex.press('Claim'), kim.press('Claim').catch(() => {})]);
  await until(async () => {
    const standings = await Promise.all([alex, kim].map((portal) => portal.page.locator('.chat-standing').innerText()));
    return standings.sort().join() === 'Yours,alex has this chat' || standings.sort().join() === 'Yours,kim has this chat';
  }, 'one to have the chat and the other to read who');
});

test('a claim that comes too late is told who was first', async () => {
  await stage.sql('eve', 'Who is first?');
  await alex.openChat('eve');
  await kim.openChat('eve');
  await alex.page.getByRole('button', { name: 'Claim' }).waitFor();
  // Kim's page does not hear of it: the claim is on its way before the event of the other.
  await kim.page.route('**/status/*', async (route) => {
    await stage.cluster.query("SELECT unichat_status(id, 'in_progress', 'alex') FROM chat_requests WHERE player_id = 'eve'");
    await route.continue();
  });
  await kim.press('Claim');
  await kim.sees('alex has this chat', '.notice');
});

test('a reload shows the same, and the draft is still there', async () => {
  await ann.composer.fill('not sent yet');
  const before = await ann.shown();
  await ann.page.reload();
  await ann.showsTheTruth('ann');
  assert.deepEqual(await ann.shown(), before);
  assert.equal(await ann.composer.inputValue(), 'not sent yet');
  await alex.page.reload();
  await alex.showsTheTruth('eve');
});

test('the filter finds by name and text', async () => {
  await alex.page.getByLabel('Filter chats').fill('bo urg');
  await until(async () => (await alex.page.locator('.item').count()) === 1, 'one chat to be left');
  assert.equal(await alex.page.locator('.item-name').innerText(), 'Bo Urgent');
  await alex.page.getByLabel('Filter chats').fill('');
});

test('nothing was complained about in any page', () => assert.deepEqual(stage.troubles, []));
