// A desk on a busy day: every section filled, chats of all urgencies, a player with a past. Also the pictures of the README.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { openStage, picture } from './stage.js';

const stage = await openStage();
after(() => stage.close());

const minute = 60;

// A message as the app or the staff sends it; returns the request's id.
async function send(player, name, text, { staff = null, urgency = null } = {}) {
  const [{ id }] = await stage.cluster.query(
    "SELECT request_id::text AS id FROM unichat_send($1, $2, sender => $3, sender_id => $4, player_name => $5, urgency => $6)",
    [player, text, staff ? 'staff' : 'player', staff, staff ? null : name, urgency],
  );
  return id;
}

// As if all of a player's chat had been so much earlier. Only a superuser with the triggers off can do that.
async function earlier(player, seconds) {
  await stage.cluster.query(`
    SET session_replication_role = replica;
    UPDATE chat_requests SET created_at = created_at - ${seconds} * interval '1 s', waiting_since = waiting_since - ${seconds} * interval '1 s',
        first_response_at = first_response_at - ${seconds} * interval '1 s', resolved_at = resolved_at - ${seconds} * interval '1 s',
        last_message_at = last_message_at - ${seconds} * interval '1 s', updated_at = updated_at - ${seconds} * interval '1 s'
        WHERE player_id = '${player}';
    UPDATE chat_messages SET "timestamp" = "timestamp" - ${seconds} * interval '1 s' WHERE player_id = '${player}';
    RESET session_replication_role`);
}

async function fillTheDesk() {
  const past = await send('u-1042', 'Ann Lee', 'Where can I see my invoices?');
  await send('u-1042', null, 'Under Account, Documents. Each month has its own.', { staff: 'Kim' });
  await send('u-1042', 'Ann Lee', 'Found them, thanks.');
  await stage.cluster.query("SELECT unichat_status($1, 'resolved', 'Kim')", [past]);
  await earlier('u-1042', 3 * 24 * 60 * minute);
  await send('u-2210', 'Bora Yılmaz', 'I cannot log in any more: the code never arrives.', { urgency: 'urgent' });
  await earlier('u-2210', 4 * minute);
  await send('u-3301', 'Chiara Ricci', 'Can I change my address myself?', { urgency: 'low' });
  await earlier('u-3301', 11 * minute);
  await send('u-4417', 'Dmitri', 'My bonus is missing since yesterday evening.');
  await earlier('u-4417', 7 * minute);
  await send('u-5120', 'Elif K.', 'The app closes when I open the wallet.', { urgency: 'high' });
  await send('u-5120', null, 'Which version is it? You see it under Settings.', { staff: 'Alex' });
  await earlier('u-5120', 12 * minute);
  await send('u-6003', 'Farid', 'Is there a limit per day?');
  await send('u-6003', null, 'There is: 500 € a day, 2,000 € a week.', { staff: 'Kim' });
  await earlier('u-6003', 2 * minute);
}

await fillTheDesk();
const ann = await stage.player('u-1042', 'Ann Lee', { viewport: { width: 560, height: 820 } });
const alex = await stage.staff('Alex', 'Alex');

test('each chat is in its section: urgency first, then who has waited longest', async () => {
  await ann.say('Hi! My deposit of 50 € has not arrived since this morning.');
  await ann.say('It left my bank at 8:12.');
  await alex.item('u-1042').waitFor();
  const names = (section) => alex.section(section).locator('.item-name').allInnerTexts();
  assert.deepEqual(await names('waiting'), ['Bora Yılmaz', 'Dmitri', 'Ann Lee', 'Chiara Ricci']);
  assert.deepEqual(await names('mine'), ['Elif K.']);
  assert.deepEqual(await names('others'), ['Farid']);
  assert.equal(await alex.item('u-2210').locator('.wait').innerText(), 'waiting\n4 min');
  assert.match(await alex.section('others').innerText(), /with Kim/);
  await alex.picture('staff-new-chats');
});

test('the past of a player is there, divided by its requests', async () => {
  await alex.openChat('u-1042');
  await alex.press('Claim');
  await alex.say('Hello Ann, I am looking into it right now.');
  await alex.say('Your bank has sent it. It is in our queue and will be booked within the hour.');
  await until(async () => (await ann.page.locator('.message.theirs').count()) === 3, 'the answers');
  await ann.say('Great, thank you!\nThat was quick.');
  await until(async () => (await alex.page.locator('.message.theirs').count()) === 5, 'the thanks');
  for (const portal of [ann, alex]) await portal.showsTheTruth('u-1042');
  assert.equal(await alex.page.locator('.divider.request').count(), 2);
  assert.match(await alex.page.locator('.divider.request').first().innerText(), /resolved by Kim/);
  await until(async () => (await alex.page.locator('.details').innerText()).match(/In progress[^]*answered in[^]*Resolved[^]*answered in/), 'both answers beside the chat');
});

test('a quiet tab counts what is waiting in its title', async () => {
  await until(async () => (await alex.page.title()) === '(3) NEW CHAT', 'the title to count the waiting chats');
});

for (const colorScheme of ['light', 'dark']) {
  test(`side by side, ${colorScheme}`, async () => {
    const suffix = colorScheme === 'dark' ? '-dark' : '';
    for (const portal of [ann, alex]) await portal.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await ann.picture(`player${suffix}`);
    await alex.picture(`staff${suffix}`);
    const shots = await Promise.all([ann, alex].map((portal) => portal.page.screenshot()));
    const page = await stage.browser.newPage({ viewport: { width: 1760, height: 780 } });
    const images = shots.map((shot) => `<img src="data:image/png;base64,${shot.toString('base64')}" height="720">`);
    const background = colorScheme === 'dark' ? '#05080a' : '#cfd8d4';
    await page.setContent(`<style>
      body { margin: 0; height: 100vh; display: flex; align-items: center; justify-content: center; gap: 32px; background: ${background} }
      img { border-radius: 12px; box-shadow: 0 16px 48px rgb(0 0 0 / .25) }</style>${images.join('')}`);
    await page.locator('img').last().evaluate((image) => image.decode());
    await picture(page, `side-by-side${suffix}`);
    await page.close();
  });
}

test('on a phone', async () => {
  const viewport = { width: 390, height: 780 };
  const phone = { viewport, hasTouch: true, isMobile: true };
  const player = await stage.player('u-1042', 'Ann Lee', { ...phone, colorScheme: 'dark' });
  const staff = await stage.staff('Alex', 'Alex', phone);
  await player.showsTheTruth('u-1042');
  await staff.item('u-1042').waitFor();
  await player.picture('player-phone-dark');
  await staff.picture('staff-phone-queue');
  await staff.item('u-1042').tap();
  await staff.showsTheTruth('u-1042');
  await staff.picture('staff-phone');
  await player.close();
  await staff.close();
});

test('nothing was complained about in any page', () => assert.deepEqual(stage.troubles, []));
