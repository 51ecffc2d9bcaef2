// A real HTTP server that plays OneSignal's REST API: it checks what OneSignal checks, remembers idempotency keys as it
// does, and fails on demand in the ways it is known to fail.
import crypto from 'node:crypto';
import http from 'node:http';
import { freePort } from './process.js';
import { until } from './wait.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const FAMILIES = ['included_segments', 'filters', 'include_aliases', 'include_subscription_ids'];
const ACCESS_DENIED = "Access denied.  Please include an 'Authorization: ...' header with a valid API key (https://documentation.onesignal.com/docs/en/keys-and-ids).";

export async function startOneSignal(options = {}) {
  const server = new OneSignalServer(options);
  await server.listen();
  return server;
}

class OneSignalServer {
  constructor({ key = 'os_v2_app_test', appId = '5eb5a37e-b458-11e3-ac11-000c2940e62c' }) {
    Object.assign(this, { key, appId });
    this.requests = []; // every POST /notifications as it came: {at, headers, body, status}
    this.accepted = new Map(); // idempotency key → {id, body}: what would be on the staff's screens
    this.faults = []; // how the next requests are answered; see fail()
    this.open = 0; // requests being answered
    this.mostOpen = 0;
    this.server = http.createServer((request, response) => this.take(request, response));
  }

  async listen() {
    this.port = await freePort();
    await new Promise((resolve) => { this.server.listen(this.port, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.port}`;
  }

  // The settings of a bridge that sends here.
  get settings() {
    return { onesignal_base_url: this.url, onesignal_app_id: this.appId, onesignal_api_key: this.key };
  }

  // The next request fails so, the one after it as the next call says. Faults:
  // {status, body?, headers?}: answered with that, not accepted
  // {accept: true, hang: true}: accepted, never answered; {accept: true, reset: true}: accepted, broken off in the body
  // {noRecipients: true}, {errors: {…}} beside an id, {raw: text} with status 200; {slow: ms}: accepted, answered late
  fail(...faults) {
    this.faults.push(...faults);
    return this;
  }

  async waitForRequests(count, what = `${count} requests at OneSignal`) {
    await until(() => this.requests.length >= count, what);
    return this.requests;
  }

  async take(request, response) {
    this.open++;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.on('close', () => { this.open--; });
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the client gave up
    }
    const text = Buffer.concat(chunks).toString('utf8');
    if (request.method === 'POST' && request.url === '/notifications') this.create(request, text, response);
    else if (/^\/notifications\/[^/]+\?app_id=/.test(request.url)) this.byId(request, response);
    else send(response, 404, { errors: ['Not found'] });
  }

  create(request, text, response) {
    const entry = { at: Date.now(), headers: request.headers, text, body: parse(text) };
    const fault = this.faults.shift() ?? {};
    const answer = (status, body, headers) => { entry.status = status; send(response, status, body, headers); };
    this.requests.push(entry);

    if (fault.status) return answer(fault.status, fault.body ?? '', fault.headers);
    if (!this.authorized(request)) return answer(403, { errors: [ACCESS_DENIED] });
    const wrong = this.check(entry.body);
    if (wrong) return answer(400, { errors: [wrong] });
    if (fault.noRecipients) return answer(200, { id: '', errors: ['All included players are not subscribed'] });
    return this.accept(entry, fault, answer, response);
  }

  accept(entry, fault, answer, response) {
    const key = entry.body.idempotency_key;
    const known = this.accepted.get(key);
    const notification = known ?? { id: crypto.randomUUID(), body: entry.body };
    this.accepted.set(key, notification);
    const body = { id: notification.id, external_id: key ?? null, ...(fault.errors ? { errors: fault.errors } : {}) };

    if (fault.hang) return undefined;
    if (fault.reset) {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
      response.write('{"id":"');
      return setImmediate(() => response.destroy());
    }
    if (fault.raw !== undefined) return answer(200, fault.raw);
    if (fault.slow) return setTimeout(() => answer(200, body), fault.slow);
    return answer(200, body, known ? { 'Idempotent-Replayed': 'true' } : {});
  }

  authorized(request) {
    return [`Key ${this.key}`, `Basic ${this.key}`].includes(request.headers.authorization);
  }

  // What OneSignal would say is wrong, or null.
  check(body) {
    if (!body || body.app_id !== this.appId) return 'Request is malformed: Failed to parse app_id from request';
    const families = FAMILIES.filter((name) => name in body);
    if (families.length === 0) return 'You must include which players, segments, or tags you wish to send this notification to.';
    if (families.length > 1) return 'Platforms You may only send to one delivery channel at a time';
    if (!body.contents?.en) return 'Message Notifications must have English language content';
    if (body.data && Buffer.byteLength(JSON.stringify(body.data)) > 2048) return 'Data Data must be no more than 2048 bytes long';
    if (body.include_subscription_ids?.some((id) => !UUID.test(id))) return 'Incorrect subscription_id format in include_subscription_ids (not a valid UUID)';
    if (body.idempotency_key && !UUID.test(body.idempotency_key)) return 'idempotency_key must be a valid UUID';
    if (body.url && (body.web_url || body.app_url)) return 'url cannot be used with web_url or app_url';
    return null;
  }

  byId(request, response) {
    const id = request.url.split('/')[2].split('?')[0];
    const found = [...this.accepted.values()].find((one) => one.id === id);
    if (!found) return send(response, 404, { errors: ['Notification not found'] });
    return send(response, 200, request.method === 'DELETE' ? { success: true } : { id, contents: found.body.contents });
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => { this.server.close(resolve); });
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function send(response, status, body, headers = {}) {
  const json = typeof body !== 'string';
  response.writeHead(status, { 'content-type': json ? 'application/json; charset=utf-8' : 'text/html', ...headers });
  response.end(json ? JSON.stringify(body) : body);
}
