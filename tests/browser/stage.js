// What a browser test stands on: a real cluster, a real bridge, a real Chromium, and a cable between them that can be cut.
//
//     const stage = await openStage();              // in after(): stage.close()
//     const ann = await stage.player('ann', 'Ann Lee');
//     const alex = await stage.staff('alex', 'Alex', { colorScheme: 'dark' });
//
// player() and staff() sign in with a token in the cookie, as the app's own login does, and return a Portal.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { startBridge, startCluster, top, until } from '../lib/index.js';
import { layCable } from './cable.js';

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];

export const demoPassword = 'open sesame';

export async function openStage(settings = {}) {
  const cluster = await startCluster();
  const bridge = await startBridge(cluster, { demo_password: demoPassword, ...settings });
  const cable = await layCable(bridge.port);
  const browser = await chromium.launch({ executablePath, args });
  return new Stage(cluster, bridge, cable, browser);
}

class Stage {
  constructor(cluster, bridge, cable, browser) {
    Object.assign(this, { cluster, bridge, cable, browser });
    this.url = `http://127.0.0.1:${cable.port}`;
    this.troubles = []; // what the pages' consoles said, and what broke in them
  }

  player(sub, name = sub, options = {}) {
    return this.open('player', { sub, name, ...options });
  }

  staff(sub, name = sub, options = {}) {
    return this.open('staff', { sub, name, ...options });
  }

  // A page of its own browser profile. token: another than a good one; null: none. init: a script that runs before the page's.
  async open(role, { sub, name, token = this.bridge.token(role, sub, name), context, viewport, colorScheme = 'light', init, ...options } = {}) {
    const profile = context ?? await this.profile({ viewport: viewport ?? sizes[role], colorScheme, ...options });
    if (token !== null) await profile.addCookies([{ name: 'unichat_token', value: token, url: this.url, httpOnly: true, sameSite: 'Strict' }]);
    const page = await profile.newPage();
    this.listen(page, role);
    if (init) await page.addInitScript(init);
    await page.goto(`${this.url}/${role}/`);
    return new Portal(this, role, page);
  }

  profile(options = {}) {
    return this.browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...options });
  }

  listen(page, role) {
    page.on('pageerror', (error) => this.troubles.push(`${role}: ${error.stack}`));
    page.on('console', (message) => {
      const network = /Failed to load resource|WebSocket connection/.test(message.text());
      if (message.type() === 'error' && !network) this.troubles.push(`${role}: ${message.text()}`);
    });
  }

  // What a person would see of the player's conversation, from the table.
  async truth(playerId) {
    const rows = await this.cluster.query('SELECT seq::int, message_text FROM chat_messages WHERE player_id = $1 ORDER BY seq', [playerId]);
    return rows.map((row) => `${row.seq} ${row.message_text}`);
  }

  // A message that the portals did not send.
  async sql(playerId, text, sender = 'player', senderId = null) {
    await this.cluster.query('SELECT unichat_send($1, $2, $3, $4)', [playerId, text, sender, senderId]);
  }

  async close() {
    await this.browser.close();
    this.cable.close();
    await this.bridge.stop();
    await this.cluster.stop();
  }
}

// For docs/images, and only when asked to: tests leave the tree as it is.
export async function picture(page, name) {
  if (!process.env.UPDATE_SCREENSHOTS) return;
  const file = path.join(top, 'docs/images', `${name}.png`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  await page.screenshot({ path: file });
}

const sizes = { player: { width: 820, height: 900 }, staff: { width: 1360, height: 820 } };

export class Portal {
  constructor(stage, role, page) {
    Object.assign(this, { stage, role, page });
    this.composer = page.locator('.composer textarea');
    this.messages = page.locator('.message');
  }

  async say(text) {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  // Each message on the page, top to bottom, as truth() has them; unsent ones have their state in place of the seq.
  shown() {
    return this.messages.evaluateAll((lines) => lines.map((line) => `${line.dataset.seq ?? line.dataset.state} ${line.querySelector('.bubble').textContent}`));
  }

  // Waits until the page shows what the table has, not more, not less, each once, in order.
  async showsTheTruth(playerId, deadline) {
    let pair = [];
    try {
      await until(async () => {
        pair = [await this.shown(), await this.stage.truth(playerId)];
        return JSON.stringify(pair[0]) === JSON.stringify(pair[1]);
      }, `the ${this.role}'s page to show what the table has`, deadline);
    } catch (error) {
      assert.deepEqual(pair[0], pair[1], error.message);
    }
  }

  // Waits until the page shows a text.
  sees(text, selector = 'body') {
    return until(async () => (await this.page.locator(selector).first().innerText()).includes(text), `"${text}" on the ${this.role}'s page`);
  }

  item(playerId) {
    return this.page.locator(`.item[data-player="${playerId}"]`);
  }

  section(name) {
    return this.page.locator(`.queue-section[data-section="${name}"]`);
  }

  async openChat(playerId) {
    await this.item(playerId).click();
    await this.page.locator('.chat-head').waitFor();
  }

  async press(name) {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  live() {
    return this.page.locator('.live-dot[data-state="live"]').waitFor();
  }

  picture(name) {
    return picture(this.page, name);
  }

  close() {
    return this.page.close();
  }
}
