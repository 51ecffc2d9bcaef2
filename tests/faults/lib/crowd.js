// Very many clients in one process, as light as they come: a bare socket each, and just so much of the WebSocket and Pusher
// protocols that it subscribes and reads what it is sent.
//
//     const crowd = await openCrowd(bridge, { count: 5000, token, channel: 'player-crowd' });
//     crowd.members[0].last        the newest seq; each event must be the very next one
//     crowd.wrong()                what is not as it should be, of all members: a gap, a repeat, a connection that ended
import net from 'node:net';
import { within } from '../../lib/index.js';

const AT_ONCE = 250; // on their way to being subscribed

// All of them have the token in their handshake, and are subscribed when this returns.
export async function openCrowd(bridge, { count, token, channel }) {
  const members = [];
  while (members.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - members.length) }, () => new Member(bridge, token, channel));
    members.push(...some);
    await within(Promise.all(some.map((one) => one.subscribed)), `${members.length} of ${count} to be subscribed`, 60000);
  }
  return {
    members,
    have: (seq) => members.every((one) => one.last >= seq),
    wrong: () => members.flatMap((one, n) => one.wrong.map((what) => `client ${n}: ${what}`)),
    close: () => members.forEach((one) => one.close()),
  };
}

class Member {
  constructor(bridge, token, channel) {
    Object.assign(this, { channel, last: 0, wrong: [], rest: Buffer.alloc(0), upgraded: false });
    this.subscribed = new Promise((resolve, reject) => { this.ready = resolve; this.refuse = reject; });
    this.socket = net.connect({ port: bridge.port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (bytes) => this.read(bytes));
    this.socket.on('error', (error) => this.ended(error.code));
    this.socket.on('close', () => this.ended('closed'));
    this.socket.write(`GET /app/${bridge.key}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  }

  ended(how) {
    this.refuse(new Error(how));
    if (!this.leaving) this.wrong.push(how);
    this.leaving = true;
  }

  close() {
    this.leaving = true;
    this.socket.destroy();
  }

  read(bytes) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, bytes]) : bytes;
    if (!this.upgraded && !this.readHead()) return;
    for (let frame = this.nextFrame(); frame; frame = this.nextFrame()) this.take(frame);
  }

  readHead() {
    const end = this.rest.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.rest.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101')) this.refuse(new Error(head));
    this.rest = this.rest.subarray(end + 4);
    this.upgraded = true;
    return true;
  }

  // A server's frames are not masked, and ours does not split messages.
  nextFrame() {
    const { rest } = this;
    if (rest.length < 2) return null;
    const more = { 126: 2, 127: 8 }[rest[1]] ?? 0;
    if (rest.length < 2 + more) return null;
    const length = more === 0 ? rest[1] : more === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < 2 + more + length) return null;
    this.rest = rest.subarray(2 + more + length);
    return { opcode: rest[0] & 15, payload: rest.subarray(2 + more, 2 + more + length) };
  }

  take({ opcode, payload }) {
    if (opcode === 8) return this.ended(`closed with ${payload.readUInt16BE(0)}`);
    if (opcode !== 1) return undefined;
    const { event, data } = JSON.parse(payload);
    if (event === 'pusher:connection_established') return this.send({ event: 'pusher:subscribe', data: { channel: this.channel } });
    if (event === 'pusher_internal:subscription_succeeded') return this.ready();
    return this.takeEvent(event, JSON.parse(data));
  }

  takeEvent(event, { seq }) {
    if (seq !== this.last + 1) this.wrong.push(`${event} with seq ${seq} after ${this.last}`);
    else this.last = seq;
  }

  // A client's frames are masked; a mask of zeros will do.
  send(message) {
    const text = Buffer.from(JSON.stringify(message));
    this.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  }
}
