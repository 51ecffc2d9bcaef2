// A WebSocket client that says exactly what a test wants, and shows exactly what the server said.
import crypto from 'node:crypto';
import WebSocket from 'ws';
import { until, within } from '../lib/index.js';

export const hmac = (secret, text) => crypto.createHmac('sha256', secret).update(text).digest('hex');

// Connects and waits for the first frame, unless wait is false. key: of another app than the first.
export async function connectRaw(bridge, { key = bridge.key, query = '?protocol=7&client=raw&version=1.0', path, headers, wait = true, port = bridge.port } = {}) {
  const raw = new Raw(bridge, `ws://127.0.0.1:${port}${path ?? `/app/${key}`}${query}`, headers);
  await within(raw.opened, 'the WebSocket to open');
  if (wait) raw.socketId = (await raw.event('pusher:connection_established')).data.socket_id;
  return raw;
}

class Raw {
  constructor(bridge, url, headers) {
    this.bridge = bridge;
    this.frames = []; // {event, channel?, data, raw}: data parsed where it is a string of JSON
    this.taken = 0;
    this.ws = new WebSocket(url, { headers, perMessageDeflate: false });
    this.ws.on('message', (text) => this.frames.push(decode(text.toString())));
    this.opened = new Promise((resolve, reject) => { this.ws.on('open', resolve); this.ws.on('error', reject); });
    this.closed = new Promise((resolve) => { this.ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() })); });
  }

  send(event, data, more = {}) {
    this.ws.send(JSON.stringify({ event, data, ...more }));
  }

  // The next frame with this event's name that no earlier call has returned.
  async event(name, channel) {
    const wanted = (frame) => frame.event === name && (!channel || frame.channel === channel) && !frame.seen;
    const frame = await until(() => this.frames.find(wanted), `${name} ${channel ?? ''}; so far ${JSON.stringify(this.frames.map((f) => f.raw))}`);
    frame.seen = true;
    return frame;
  }

  // Everything that the server had to say is here when it answers this.
  async settle() {
    this.send('pusher:ping', {});
    await this.event('pusher:pong');
  }

  auth(channel, channelData, secret = this.bridge.secret('app_secret'), key = this.bridge.key) {
    return `${key}:${hmac(secret, `${this.socketId}:${channel}${channelData === undefined ? '' : `:${channelData}`}`)}`;
  }

  subscribe(channel, channelData) {
    const signed = /^(private|presence)-/.test(channel);
    this.send('pusher:subscribe', { channel, auth: signed ? this.auth(channel, channelData) : '', channel_data: channelData });
  }

  async subscribed(channel, channelData) {
    this.subscribe(channel, channelData);
    return (await this.event('pusher_internal:subscription_succeeded', channel)).data;
  }

  async refused(channel) {
    return (await this.event('pusher:subscription_error', channel)).data;
  }

  signin(user, secret = this.bridge.secret('app_secret')) {
    const text = JSON.stringify(user);
    this.send('pusher:signin', { auth: `${this.bridge.key}:${hmac(secret, `${this.socketId}::user::${text}`)}`, user_data: text });
  }

  async close() {
    this.ws.close();
    await within(this.closed, 'the WebSocket to close');
  }
}

function decode(raw) {
  const frame = JSON.parse(raw);
  if (typeof frame.data === 'string') {
    try { frame.data = JSON.parse(frame.data); } catch { /* text that is no JSON */ }
  }
  return { ...frame, raw };
}
