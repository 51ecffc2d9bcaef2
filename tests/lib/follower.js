// A client that follows one player's conversation as the portals do: it shows what is pushed, asks for what is missing
// when it sees a gap and after every (re)subscription, and drops what it has. `messages` is what a person would see.
import { connectClient } from './client.js';
import { until } from './wait.js';

export async function follow(bridge, { token, channel, playerId }) {
  const follower = new Follower(bridge, token, playerId);
  bridge.clients.add(follower);
  follower.client = await connectClient(bridge, { token });
  const subscription = follower.client.pusher.subscribe(channel);
  subscription.bind('pusher:subscription_succeeded', () => { follower.fetchSoon(); });
  subscription.bind_global((event, data) => {
    if (!event.startsWith('pusher:') && data.playerId === playerId) follower.take(data);
  });
  await until(() => subscription.subscribed, `the subscription to ${channel}`);
  return follower;
}

class Follower {
  constructor(bridge, token, playerId) {
    Object.assign(this, { bridge, token, playerId });
    this.bySeq = new Map(); // every event or fetched message, by seq
    this.position = 0; // everything up to here has been seen
    this.fetches = 0;
    this.twice = 0; // pushed again by the server although we had it from the server's push
    this.pushed = new Set();
  }

  // seq, in order, of the messages that a person would see now.
  get messages() {
    return [...this.bySeq.values()].filter((one) => one.messageId).sort((a, b) => a.seq - b.seq);
  }

  take(event) {
    if (this.pushed.has(event.seq)) this.twice++;
    this.pushed.add(event.seq);
    this.bySeq.set(event.seq, event);
    if (event.seq === this.position + 1) this.position = event.seq;
    else if (event.seq > this.position) this.fetchSoon();
  }

  fetchSoon() {
    this.wanted = true;
    this.fetching ??= this.fetchAll().finally(() => { this.fetching = null; });
  }

  async fetchAll() {
    while (this.wanted) {
      this.wanted = false;
      try {
        await this.fetchOnce();
      } catch {
        this.wanted = true; // the bridge or the database is away; as a portal does, try again
        await new Promise((resolve) => { setTimeout(resolve, 100); });
        if (this.closed) return;
      }
    }
  }

  async fetchOnce() {
    for (;;) {
      const answer = await this.bridge.api('GET',
        `/api/unified-chat/messages/${encodeURIComponent(this.playerId)}?after=${this.position}&limit=200`, { token: this.token });
      if (answer.status !== 200) throw new Error(`messages: ${answer.status}`);
      this.fetches++;
      for (const message of answer.body.messages) this.bySeq.set(message.seq, message);
      const { hasMore, lastSeq, messages } = answer.body;
      this.position = Math.max(this.position, hasMore ? messages.at(-1).seq : lastSeq);
      if (!hasMore) return;
    }
  }

  close() {
    this.closed = true;
    this.client?.close();
  }
}
