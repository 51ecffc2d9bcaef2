// From a push notification to the chat: the link that OneSignal was given, opened in a browser.
import { after, test } from 'node:test';
import { until } from '../lib/index.js';
import { startOneSignal } from '../lib/onesignal-server.js';
import { openStage } from './stage.js';

const onesignal = await startOneSignal();
const stage = await openStage(onesignal.settings);
after(async () => {
  await stage.close();
  await onesignal.stop();
});

async function pushedLink(playerId, text) {
  const count = onesignal.requests.length;
  await stage.sql(playerId, text);
  const requests = await onesignal.waitForRequests(count + 1);
  return requests[count].body.web_url;
}

test("a notification's link opens its chat, on a new page and on an open one, and says when the chat is resolved", async () => {
  stage.bridge.configure({ portal_url: `${stage.url}/staff/` });
  await stage.bridge.kill('SIGHUP');
  await until(() => stage.bridge.log().includes('event=reloaded'), 'the bridge to have read its settings');
  const ann = await pushedLink('ann', 'I am Ann');
  const bob = await pushedLink('bob', 'I am Bob');
  const staff = await stage.staff('alex', 'Alex');
  await staff.live();

  const page = await stage.open('staff', { context: staff.page.context(), token: null });
  await page.page.goto('about:blank');
  await page.page.goto(bob);
  await page.sees('I am Bob', '.log');

  await staff.page.goto(ann);
  await staff.sees('I am Ann', '.log');
  await until(() => staff.page.url() === `${stage.url}/staff/`, "the address to be the desk's again");

  await stage.cluster.query("SELECT unichat_status(id, 'resolved') FROM chat_requests");
  await until(async () => (await staff.item('ann').count()) === 0, 'the chats to be off the list');
  await staff.page.goto(bob);
  await staff.sees('That chat is resolved.');
});
