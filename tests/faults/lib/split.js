// A relay in front of PostgreSQL that lets each statement's end (ReadyForQuery) arrive on its own, after the rest of the answer was
// read: as a network may cut the stream anywhere, and as the server does when notifications are sent between the two.
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../lib/index.js';

// The server's whole messages: a type, and a length that counts itself.
async function* messages(socket) {
  let bytes = Buffer.alloc(0);
  for await (const more of socket) {
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length >= 5 && bytes.length > bytes.readUInt32BE(1)) {
      const end = 1 + bytes.readUInt32BE(1);
      yield bytes.subarray(0, end);
      bytes = bytes.subarray(end);
    }
  }
}

async function relay(near, far, pauseMs) {
  near.pipe(far);
  for await (const message of messages(far)) {
    if (message[0] === 'Z'.charCodeAt(0)) await pause(pauseMs);
    near.write(message);
  }
}

// Without TLS. `pauseMs` is what the end comes later. Resolves with {port, probes, swallow, swallowed, stop}; probes() is how many
// were sent. swallow(words): the next statement with these words in it, and all that follows it on its connection, does not arrive.
export async function startSplitter(target, { pauseMs = 20 } = {}) {
  let probes = 0;
  let unheard = null;
  const sockets = new Set();
  const server = net.createServer({ noDelay: true }, (near) => {
    const far = net.connect(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => { near.destroy(); far.destroy(); sockets.delete(socket); });
    }
    near.on('data', (bytes) => {
      probes += bytes.includes('unichat_notify');
      if (unheard === null || !bytes.includes(unheard)) return;
      unheard = null;
      near.unpipe(far);
    });
    relay(near, far, pauseMs).catch(() => {});
  });
  const port = await freePort();
  await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return {
    port,
    probes: () => probes,
    swallow: (words) => { unheard = words; },
    swallowed: () => unheard === null,
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.destroy();
    }),
  };
}
