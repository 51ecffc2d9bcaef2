// A network that can be broken: a TCP relay in front of one server.
//
//   open    passes everything on
//   silent  accepts and passes nothing on, in either direction, and closes nothing: a cable pulled out. The kernels at both
//           ends still acknowledge, so only a probe of the application's own notices
//   closed  every connection is reset and new ones are refused: a server gone
//
// refuse() refuses new connections alone. cut() resets the connections there are, end() ends them in good order; new ones are welcome.
import net from 'node:net';
import { freePort } from '../../lib/index.js';

// target: () => {host, port} or {path}, asked for each connection.
export async function startProxy(target) {
  const proxy = new Proxy(target, await freePort());
  await proxy.listen();
  return proxy;
}

class Proxy {
  constructor(target, port) {
    Object.assign(this, { target, port, mode: 'open' });
    this.pairs = new Set();
  }

  listen() {
    this.server = net.createServer({ noDelay: true, pauseOnConnect: true }, (inner) => this.relay(inner));
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  relay(near) {
    const far = net.connect({ noDelay: true, ...this.target() });
    const pair = { near, far };
    this.pairs.add(pair);
    const end = () => {
      this.pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('data', (bytes) => { if (!to.write(bytes)) from.pause(); });
      to.on('drain', () => { if (this.mode === 'open') from.resume(); });
      from.on('end', () => to.end());
      from.on('error', end);
      from.on('close', end);
    }
    this.flow(pair);
  }

  get connections() { return this.pairs.size; }

  flow({ near, far }) {
    for (const socket of [near, far]) {
      if (this.mode === 'open') socket.resume();
      else socket.pause();
    }
  }

  silence() {
    this.mode = 'silent';
    for (const pair of this.pairs) this.flow(pair);
  }

  // Back to open, from wherever. What was held back in silence arrives now.
  async restore() {
    this.mode = 'open';
    for (const pair of this.pairs) this.flow(pair);
    if (!this.server.listening) await this.listen();
  }

  // Those that there are stay as they are; new ones are refused, until restore().
  refuse() {
    this.server.close();
  }

  cut() {
    for (const { near, far } of this.pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  end() {
    for (const { near, far } of this.pairs) {
      near.destroy();
      far.destroy();
    }
  }

  async close() {
    this.mode = 'closed';
    const closed = new Promise((resolve) => { this.server.close(resolve); });
    this.cut();
    await closed;
  }

  async stop() {
    if (this.server.listening) await this.close();
    else this.cut();
  }
}
