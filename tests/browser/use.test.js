// For everybody: by keyboard, by screen reader, on a phone, in light and dark, and whatever text others write.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { demoPassword, openStage } from './stage.js';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const stage = await openStage();
after(() => stage.close());

// The page's policy lets no script in but its own: axe comes by the debugger, which is no part of the page.
async function violations(portal) {
  const { default: fs } = await import('node:fs');
  await portal.page.evaluate(fs.readFileSync(axePath, 'utf8'));
  const found = await portal.page.evaluate('axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })');
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join('; ')}`);
}

async function noSidewaysScroll(portal) {
  const [page, window] = await portal.page.evaluate('[document.documentElement.scrollWidth, innerWidth]');
  assert.ok(page <= window, `the page is ${page} wide in a window of ${window}`);
}

test('the staff blocks a player, who is told calmly; and unblocks', async () => {
  const player = await stage.player('rude', 'Rude');
  const staff = await stage.staff('sue', 'Sue');
  await player.say('Something rude');
  await staff.item('rude').waitFor();
  await staff.openChat('rude');
  await staff.press('Block the player');
  await staff.sees('Blocked', '.chat-standing');
  await player.say('More of it');
  await player.sees('You cannot write here at the moment.', '.message.failed');
  await staff.press('Block the player');
  await until(async () => !(await staff.page.locator('.chat-standing').innerText()).includes('Blocked'), 'the end of the block');
  await player.page.getByRole('button', { name: 'Retry' }).click();
  await staff.sees('More of it', '.log');
  await staff.press('Resolve');
  await player.close();
  await staff.close();
});

test('two players of one name are told apart, and a long name does not hide whose it is', async () => {
  const long = 'Sam Support '.repeat(12);
  for (const [id, name] of [['sam-1', 'Sam'], ['sam-2', 'Sam'], ['sam-3', long], ['sam-4', null]])
    await stage.cluster.query("SELECT unichat_send($1, 'hello', 'player', NULL, NULL, $2)", [id, name]);
  const staff = await stage.staff('sue', 'Sue');
  for (const id of ['sam-1', 'sam-2', 'sam-3']) {
    await staff.openChat(id);
    for (const it of [staff.item(id).locator('.item-id'), staff.page.locator('.chat-id')]) {
      await until(async () => (await it.innerText()).includes(id), `${id} to be named`);
      const [whole, shown] = await it.evaluate((box) => [box.scrollWidth, box.clientWidth]);
      assert.ok(shown > 0 && whole <= shown, `${whole} of ${shown}`);
      assert.ok(await it.evaluate((box) => box.getBoundingClientRect().right <= box.closest('.item, .chat-who').getBoundingClientRect().right + 1));
    }
  }
  await staff.openChat('sam-4');
  await staff.sees('sam-4', '.chat-head h2');
  assert.equal(await staff.page.locator('.chat-id').or(staff.item('sam-4').locator('.item-id')).count(), 0, 'an id that is the name is not said twice');
  for (const id of ['sam-1', 'sam-2', 'sam-3', 'sam-4']) {
    await staff.openChat(id);
    await staff.press('Resolve');
    await staff.sees('Resolved', '.chat-standing');
  }
  await staff.close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`accessible in every state, ${colorScheme}`, async () => {
    const id = `axe-${colorScheme}`;
    const gate = await stage.open('player', { token: null, colorScheme });
    await gate.page.getByLabel('Name').waitFor();
    assert.deepEqual(await violations(gate), [], 'sign-in');
    await gate.close();

    const player = await stage.player(id, `Axe ${colorScheme}`, { colorScheme });
    const staff = await stage.staff('alex', 'Alex', { colorScheme });
    await player.page.locator('.welcome').waitFor();
    assert.deepEqual(await violations(player), [], 'first visit');
    await player.page.getByLabel('Urgency').selectOption('high');
    await player.say('Is this readable?');
    await staff.item(id).waitFor();
    assert.deepEqual(await violations(staff), [], 'new chat');
    await staff.openChat(id);
    await staff.say('It is.');
    await player.sees('It is.', '.log');
    for (const portal of [player, staff]) assert.deepEqual(await violations(portal), [], `${portal.role} in a chat`);
    await player.page.route('**/send', (route) => route.continue({ postData: '{"message":""}' }));
    await player.say('fails');
    await player.page.locator('.message.failed').waitFor();
    assert.deepEqual(await violations(player), [], 'a failed message');
    await staff.page.locator('.menu summary').click();
    assert.deepEqual(await violations(staff), [], 'the sound menu');
    await staff.page.keyboard.press('Escape');
    await staff.press('Resolve');
    await player.page.unrouteAll();
    await player.page.getByRole('button', { name: 'Discard' }).click();
    await player.page.locator('.resolved').waitFor();
    assert.deepEqual(await violations(player), [], 'resolved');
    await player.close();
    await staff.close();
  });
}

test('the staff works by keyboard alone', async () => {
  await stage.sql('kay', 'no mouse needed');
  const staff = await stage.staff('keys', 'Keys');
  const { keyboard } = staff.page;
  await staff.item('kay').waitFor();
  await keyboard.press('Alt+KeyN');
  await staff.showsTheTruth('kay');
  await until(() => staff.composer.evaluate((box) => box === document.activeElement), 'the focus to be where one writes');
  await keyboard.press('Alt+KeyC');
  await staff.sees('Yours', '.chat-standing');
  await keyboard.type('typed');
  await keyboard.press('Shift+Enter');
  await keyboard.type('two lines');
  await keyboard.press('Enter');
  await staff.showsTheTruth('kay');
  assert.ok((await stage.truth('kay')).at(-1).endsWith('typed\ntwo lines'));
  await keyboard.press('Alt+KeyF');
  await keyboard.type('kay');
  assert.equal(await staff.page.getByLabel('Filter chats').inputValue(), 'kay');
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await keyboard.press('Alt+KeyK');
  await staff.page.locator('dialog.help[open]').waitFor();
  await keyboard.press('Escape');
  await keyboard.press('Alt+KeyL');
  await staff.sees('Waiting for an answer', '.chat-standing');
  await keyboard.press('Alt+KeyR');
  await staff.sees('Resolved', '.chat-standing');
  await staff.close();
});

test('the player works by keyboard alone, with the focus always in sight', async () => {
  const player = await stage.player('tab', 'Tab');
  await player.page.locator('.welcome').waitFor();
  await player.page.keyboard.type('hello');
  await player.page.keyboard.press('Enter');
  await player.sees('Sent', '.message');
  assert.equal(await player.composer.evaluate((box) => box === document.activeElement), true);
  const visited = new Set();
  for (let i = 0; i < 8; i++) {
    await player.page.keyboard.press('Tab');
    const seen = await player.page.evaluate(() => {
      const at = document.activeElement;
      const ring = getComputedStyle(at.closest('.composer-box') ?? at);
      return at === document.body ? 'body' : `${at.getAttribute('aria-label') ?? at.textContent.trim()}|${ring.outlineStyle}`;
    });
    visited.add(seen);
  }
  visited.delete('body');
  assert.ok(visited.size >= 3, [...visited].join(', '));
  for (const seen of visited) assert.match(seen, /\|solid$/, seen);
  await player.close();
});

test('a screen reader hears what is new, once, and no history', async () => {
  for (let i = 0; i < 60; i++) await stage.sql('ear', `old ${i}`);
  const player = await stage.player('ear', 'Ear');
  await player.messages.first().waitFor();
  const heard = player.page.locator('.log-frame > [aria-live="polite"]');
  const log = player.page.getByRole('log');
  assert.equal(await log.getAttribute('aria-live'), 'off');
  assert.equal(await heard.innerText(), '');
  await stage.sql('ear', 'news', 'staff', 'alex');
  await until(async () => (await heard.innerText()) === 'alex: news', 'the news to be said');
  await log.evaluate((box) => box.scrollTo(0, 0));
  await until(async () => (await player.messages.count()) > 52, 'the older messages');
  assert.equal(await heard.innerText(), 'alex: news');
  await player.close();
});

// A text for one field: as markup it would be an element of that field's own name, with a handler, and an image that runs a script.
const markup = (field) => `"><x-xss-${field} onmouseover=f()></x-xss-${field}><img src=x onerror=(window.broken??=[]).push('${field}')>`;

const nasty = [
  '<script>window.broken=["script"]</script>',
  '"><svg onload=window.broken=["svg"]>',
  'javascript:window.broken=["link"] https://example.org/"onmouseover="window.broken=["over"]',
  'javascript://example.org/%0Awindow.broken=["link"] JavaScript:alert(1) data:text/html,<script>alert(1)</script> https://javascript:1@example.org/',
  '${window.broken=["template"]} {{constructor}} &lt;b&gt;',
  '\u202Egnp.exe  e\u0301\u0302\u0303',
];

// Keeps a list of every element and attribute that is not the page's own, also of those that are gone again.
const watchForMarkup = `
  window.planted = [];
  window.foreign = (it) => it.localName.startsWith('x-xss') || it.matches('img, iframe, object, embed, script:not([src]), a[href]:not([href^="#"], [href^="https:"])')
    || it.getAttributeNames().some((name) => name.startsWith('on') || name.startsWith('x-xss'));
  const look = (root) => { for (const it of [root, ...root.querySelectorAll('*')]) if (it.localName && foreign(it)) window.planted.push(it.outerHTML); };
  new MutationObserver((changes) => { for (const { target, addedNodes } of changes) { look(target); for (const node of addedNodes) if (node.querySelectorAll) look(node); } })
    .observe(document, { childList: true, subtree: true, attributes: true });`;

// One page after the other shows every field that others fill in; each is waited for, so none is left out.
async function showEverything(run, options) {
  const own = (field) => markup(`${field}${run}`);
  const open = (role, sub, name) => stage.open(role, { sub, name, init: watchForMarkup, ...options });
  const has = (locator, text) => until(async () => (await locator.allTextContents()).some((it) => it.includes(text)), `${text} in ${locator}`);
  const [id, name, owner] = [own('id').slice(2), own('name'), own('owner')];
  const player = await open('player', id, name);
  await player.sees(name, '.welcome');
  await player.say(own('message'));
  await player.page.locator('.meta', { hasText: 'Sent' }).waitFor();

  const itemOf = (portal) => portal.page.locator('.item', { hasText: `x-xss-name${run}` });
  const staff = await open('staff', owner, own('me'));
  await staff.sees(own('me'), '.me');
  await has(itemOf(staff).locator('.item-name'), name);
  await has(itemOf(staff).locator('.item-text'), own('message'));
  await has(itemOf(staff).locator('.item-id'), id);
  await itemOf(staff).click();
  for (const at of ['.chat-head h2', '.details h2', '.author']) await staff.sees(name, at);
  for (const at of ['.chat-id', '.details dd']) await staff.sees(id, at);
  await staff.showsTheTruth(id);
  await player.say(own('spoken'));
  await has(staff.page.locator('.log-frame > [aria-live="polite"]'), own('spoken'));
  for (const text of nasty) await player.say(text);
  await staff.say(own('reply'));
  await player.sees(owner, '.state');
  await player.sees(owner, '.author');
  for (const portal of [player, staff]) await portal.showsTheTruth(id);

  const colleague = await open('staff', 'colleague', 'Colleague');
  await has(itemOf(colleague).locator('.item-owner'), owner);
  await itemOf(colleague).click();
  await colleague.sees(owner, '.chat-standing');
  await colleague.showsTheTruth(id);
  await staff.press('Resolve');
  await player.page.locator('.resolved').waitFor();
  await player.say(own('again'));
  await has(staff.page.locator('.log .divider'), `resolved by ${owner}`);
  await has(staff.page.locator('.details li'), `by ${owner}`);
  await colleague.page.route('**/status/*', (route) => route.fulfill({ status: 409, json: { error: { code: 'claimed_by_other', message: 'x', owner } } }));
  await colleague.press('Claim');
  await colleague.sees(`${owner} has this chat`, '.notice-region');
  await player.page.route('**/send', (route) => route.fulfill({ status: 400, json: { error: { code: 'invalid_field', message: own('error') } } }));
  await player.say(own('unsent'));
  await has(player.page.locator('.message.failed'), own('error'));

  const late = await open('player', `late ${id}`, own('late'));
  await late.say('Hello');
  await has(staff.page.locator('[aria-live="assertive"]'), own('late'));
  return [player, staff, colleague, late];
}

for (const [run, bypassCSP] of [false, true].entries()) {
  test(`text is text: nothing that others write becomes an element, ${bypassCSP ? 'and it does not take the policy for that' : 'in either portal'}`, async () => {
    for (const { page, role } of await showEverything(run, { bypassCSP })) {
      const { links, title, ...found } = await page.evaluate(`({ planted, broken: window.broken ?? [], title: document.title,
        links: [...document.querySelectorAll('.log a')].map((link) => link.href), elements: [...document.querySelectorAll('*')].filter(foreign).map((it) => it.outerHTML) })`);
      assert.deepEqual(found, { planted: [], broken: [], elements: [] }, role);
      for (const link of links) assert.match(link, /^https:\/\//);
      assert.match(title, /^(\(\d+\) )?(Support|unichat|NEW CHAT)$/);
      await page.close();
    }
  });
}

test('the policy forbids all but our own, and nothing of ours needs more', async () => {
  const { headers } = await stage.bridge.api('GET', '/player/');
  const policy = headers.get('content-security-policy');
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.doesNotMatch(policy, /unsafe/);
});

test('no token is ever in an address', async () => {
  const player = await stage.open('player', { token: null });
  const addresses = [];
  player.page.on('request', (request) => addresses.push(request.url()));
  player.page.on('websocket', (socket) => addresses.push(socket.url()));
  await player.page.reload();
  await player.page.getByLabel('Name').fill('Uri');
  await player.page.getByLabel('Password').fill(demoPassword);
  await player.press('Sign in');
  await player.page.locator('.welcome').waitFor();
  await player.live();
  assert.ok(addresses.some((address) => address.startsWith('ws')));
  for (const address of addresses) assert.doesNotMatch(address, /eyJ|unichat_token|token=|sesame/);
  await player.close();
});

test('history comes with scrolling, the lines keep their place, and new ones are counted below', async () => {
  for (let i = 1; i <= 160; i++) await stage.sql('long', `line ${i}`);
  const player = await stage.player('long', 'Long');
  await player.sees('line 160', '.log');
  const log = player.page.getByRole('log');
  const gap = await log.evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight);
  assert.ok(gap < 2, `at the end, but for ${gap} px`);
  const place = () => player.page.getByText('line 130', { exact: true }).first().evaluate((line) => line.getBoundingClientRect().top);
  await player.page.getByText('line 130', { exact: true }).first().evaluate((line) => line.scrollIntoView({ block: 'start' }));
  await log.evaluate((box) => box.scrollBy(0, -150));
  const before = await place();
  await log.evaluate((box) => box.dispatchEvent(new Event('scroll')));
  await player.page.locator('.pill').waitFor();
  await stage.sql('long', 'below', 'staff', 'alex');
  await player.sees('1 new message', '.pill');
  assert.ok(Math.abs((await place()) - before) < 2, 'nothing moved for what came below');
  const shown = await player.messages.count();
  await log.evaluate((box) => box.scrollTo(0, 0));
  await until(async () => (await player.messages.count()) > shown, 'an older page');
  assert.ok((await log.evaluate((box) => box.scrollTop)) > 100, 'the lines kept their place');
  for (let i = 0; i < 5; i++) await log.evaluate((box) => box.scrollTo(0, 0));
  await until(async () => {
    await log.evaluate((box) => box.scrollTo(0, 0));
    return (await player.messages.count()) === 161;
  }, 'the whole history');
  await player.showsTheTruth('long');
  await player.page.locator('.pill').click();
  await until(async () => (await player.page.locator('.pill').count()) === 0, 'the pill to go');
  await player.close();
});

test('too long is said before sending', async () => {
  const player = await stage.player('len', 'Len');
  await player.composer.fill('😀'.repeat(3990));
  await player.sees('10 characters left', '.counter');
  await player.composer.fill('😀'.repeat(4001));
  await player.sees('1 characters too many', '.counter').catch(() => player.sees('1 character too many', '.counter'));
  assert.equal(await player.page.getByRole('button', { name: 'Send' }).isDisabled(), true);
  await player.say('😀'.repeat(4000));
  await player.showsTheTruth('len');
  await player.close();
});

test('on a phone of 320 points both portals are whole', async () => {
  const viewport = { width: 320, height: 640 };
  const player = await stage.player('phone', 'Phone of a person with a very long name', { viewport, hasTouch: true, isMobile: true, colorScheme: 'dark' });
  const staff = await stage.staff('alex', 'Alex', { viewport, hasTouch: true, isMobile: true });
  await player.say(`Supercalifragilisticexpialidocious${'o'.repeat(80)} and more words that go on for a while.`);
  await staff.item('phone').waitFor();
  await noSidewaysScroll(staff);
  await staff.item('phone').tap();
  await staff.showsTheTruth('phone');
  await staff.say('Got it, thank you.');
  await player.sees('Got it', '.log');
  await noSidewaysScroll(staff);
  await noSidewaysScroll(player);
  await staff.page.getByRole('button', { name: 'Back to the chats' }).tap();
  await staff.item('phone').tap();
  await staff.page.reload();
  await staff.showsTheTruth('phone');
  await staff.page.goBack();
  await staff.item('phone').waitFor();
  await player.close();
  await staff.close();
});

test('a new chat is heard, again while it waits, and not when the sound is off', async () => {
  // Whatever Playwright evaluates in a page counts as its user's gesture, and may come before the page asks whether there was one.
  const init = 'Object.defineProperty(navigator, "userActivation", { value: { hasBeenActive: false } });' +
    'window.tones = 0; const { start } = OscillatorNode.prototype; OscillatorNode.prototype.start = function (...at) { window.tones++; return start.apply(this, at); };';
  const staff = await stage.staff('ears', 'Ears', { init });
  const tones = () => staff.page.evaluate('window.tones');
  await staff.page.locator('.queue-section').first().waitFor();
  await staff.page.locator('.sound-hint').waitFor();
  await staff.page.locator('.bar h1').click();
  await until(async () => (await staff.page.locator('.sound-hint').count()) === 0, 'the hint to go after a click');
  await staff.live();
  await stage.sql('loud', 'can you hear me?');
  await staff.item('loud').waitFor();
  await until(async () => (await tones()) > 0, 'a tone');
  const once = await tones();
  await until(async () => (await tones()) > once, 'the tone again while nobody looks', 25000);
  await staff.page.locator('.menu summary').click();
  await staff.page.getByLabel('No sound').check();
  const before = await tones();
  await stage.sql('quiet', 'and now?');
  await staff.item('quiet').waitFor();
  assert.equal(await tones(), before);
  await staff.press('Test the sound');
  await until(async () => (await tones()) > before, 'the test, which is heard in any case');
  await staff.close();
});

test('light and dark by the switch, kept over a reload', async () => {
  const player = await stage.player('sun', 'Sun');
  const background = () => player.page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await background();
  await player.page.getByRole('button', { name: /Colours/ }).click();
  await player.page.getByRole('button', { name: /Colours/ }).click();
  assert.notEqual(await background(), light);
  await player.page.reload();
  await player.page.locator('.welcome').waitFor();
  assert.notEqual(await background(), light);
  await player.close();
});

test('nothing was complained about in any page', () => assert.deepEqual(stage.troubles, []));
