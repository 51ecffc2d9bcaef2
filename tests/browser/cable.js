// A TCP connection between the browser and the bridge that can be pulled out. Bytes pass as they are.
import net from 'node:net';
import { once } from 'node:events';

export async function layCable(bridgePort) {
  const pairs = new Set();
  let plugged = true;
  let frozen = false;

  const server = net.createServer((near) => {
    if (!plugged) return near.destroy();
    if (frozen) return pairs.add([near]);
    const far = net.connect(bridgePort, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    for (const [here, there] of [pair, [...pair].reverse()]) {
      here.pipe(there);
      here.on('error', () => there.destroy());
      here.on('close', () => {
        there.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    port: server.address().port,
    cut() {
      plugged = false;
      for (const pair of pairs) pair.forEach((end) => end.destroy());
    },
    // The connection is there and carries nothing, as when a laptop changes its network; new ones are taken and frozen too.
    freeze() {
      frozen = true;
      for (const pair of pairs) pair.forEach((end) => end.unpipe().pause());
    },
    mend() {
      if (frozen) for (const pair of pairs) pair.forEach((end) => end.destroy());
      frozen = false;
      plugged = true;
    },
    close() {
      this.cut();
      server.close();
    },
  };
}
