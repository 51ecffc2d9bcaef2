// Clients that write down what a person would have been shown. All of them are stock pusher-js; they differ in how they
// come by what they missed:
//
//   player-resume   sends unichat:resume with its last seq when it connects, and checks nothing away: what comes must be the
//                   very next event, so a repeat, a gap or a wrong order is a violation
//   staff-resume    the same with the position; drops repeats by (player, seq), which positions may cause
//   player-fetch    after each subscription, and whenever seq jumps, it fetches over HTTP
//   staff-fetch     the same for every player in the queue
//
// Each may be moved to the other bridge, and takes with it what it has: its seq or position.
//
// `log` is what was shown, in that order: [playerId, seq, kind, message]. Over HTTP come only messages, so a client that
// has ever fetched is judged by its messages alone (`complete` is false then).
//
// Left to itself, pusher-js waits 15 seconds after an attempt that was refused, then 30, then 60. So an attempt that has not
// succeeded after a while is begun anew, as the portals do (web/shared/live.js).
import { connectClient, sleep, until } from '../../lib/index.js';

const LIVELY = { activityTimeout: 1500, pongTimeout: 1500, unavailableTimeout: 2000 };
const ATTEMPT_MS = 3000;

// spec: {kind, name, bridge, bases: [{url, wsPort, key}], token, channel, playerId}; bridge: which of the bases it begins at
export async function startWatcher(spec) {
  const kinds = { 'player-resume': PlayerResume, 'staff-resume': StaffResume, 'player-fetch': PlayerFetch, 'staff-fetch': StaffFetch };
  const watcher = new kinds[spec.kind](spec);
  await watcher.connect();
  await until(() => watcher.subscription.subscribed, `${spec.name} to be subscribed`, 60000);
  return watcher;
}

class Watcher {
  constructor(spec) {
    Object.assign(this, spec);
    this.log = [];
    this.last = new Map(); // playerId -> the newest seq that was shown
    this.violations = [];
    this.trace = [];
    this.complete = true;
    this.repeats = this.resyncs = this.resumes = this.connects = this.fetches = this.moves = 0;
    this.shownBy = this.bases.map(() => 0);
  }

  get base() { return this.bases[this.bridge]; }

  async connect() {
    this.client = await connectClient({ ...this.base, clients: new Set() }, { token: this.token, wait: false, options: LIVELY });
    this.listen(this.client.pusher);
  }

  // To the next bridge, with what it has.
  async move() {
    this.client.close();
    this.bridge = (this.bridge + 1) % this.bases.length;
    this.moves++;
    this.note(`moves to bridge ${this.bridge}`);
    await this.connect();
  }

  tryAnew(pusher) {
    clearTimeout(this.attempt);
    this.attempt = setTimeout(() => {
      if (pusher !== this.client.pusher || pusher.connection.state === 'connected') return;
      pusher.disconnect();
      pusher.connect();
    }, ATTEMPT_MS);
  }

  listen(pusher) {
    pusher.connection.bind('state_change', ({ current }) => {
      this.note(current);
      if (current !== 'connected') this.tryAnew(pusher);
    });
    pusher.connection.bind('connected', () => { this.connects++; this.onConnected(); });
    this.subscription = pusher.subscribe(this.channel);
    this.subscription.bind('pusher:subscription_succeeded', (data) => this.onSubscribed(data));
    this.subscription.bind('pusher:subscription_error', async () => { // the bridge was away for a moment
      await sleep(200);
      if (pusher === this.client.pusher) pusher.subscribe(this.channel);
    });
    this.subscription.bind_global((event, data) => {
      this.note(data?.playerId ? `${data.playerId} ${data.seq}` : `${event} ${JSON.stringify(data)}`);
      if (event === 'unichat:resumed') this.onResumed(data);
      else if (event === 'unichat:resync') this.onResync(data);
      else if (data && data.playerId) this.onEvent(data);
    });
  }

  // What happened to this client, for whoever reads why it failed.
  note(what) {
    this.trace.push(`${new Date().toISOString().slice(14, 23)} ${what}`);
    if (this.trace.length > 100 && this.violations.length === 0) this.trace.shift();
  }

  resume(after) {
    this.note(`ask ${String(after).slice(-12)}`);
    this.asked = after;
    this.client.pusher.send_event('unichat:resume', { channel: this.channel, after });
  }

  at(playerId) {
    return this.last.get(playerId) || 0;
  }

  show(event) {
    this.last.set(event.playerId, event.seq);
    this.shownBy[this.bridge]++;
    this.log.push([event.playerId, event.seq, event.kind ?? 'message', event.message ?? null]);
  }

  // What we have may be wrong: the database that it is from has gone, and the one that came after it may lack some of it.
  drop() {
    this.resyncs++;
    this.log = [];
    this.last.clear();
  }

  violate(what) {
    if (this.violations.length === 0) this.note(`VIOLATION: ${what}`);
    if (this.violations.length < 20) this.violations.push(what);
  }

  onConnected() {}
  onSubscribed() {}
  onResumed({ after }) {
    this.resumes++;
    if (after === this.asked) this.catchingUp = false;
  }

  report() {
    const { name, kind, playerId, log, violations, trace, complete, repeats, resyncs, resumes, connects, fetches, moves, shownBy } = this;
    return { name, kind, playerId, log, violations, trace, complete, repeats, resyncs, resumes, connects, fetches, moves, shownBy,
      last: Object.fromEntries(this.last) };
  }
}

class PlayerResume extends Watcher {
  onConnected() {
    this.askedTwice = false;
    this.resume(this.at(this.playerId));
  }

  onEvent(event) {
    if (event.seq === this.at(this.playerId) + 1) this.show(event);
    else if (this.catchingUp) this.repeats++; // live, before the answer to a resume that was sent while subscribed
    else if (this.askedTwice && event.seq <= this.at(this.playerId)) this.repeats++;
    else this.violate(`got seq ${event.seq} after ${this.at(this.playerId)}`);
  }

  // An answer to an earlier "after 0" may be on its way, and looks the same.
  onResync() {
    this.drop();
    this.askedTwice = true;
    this.catchingUp = true;
    this.resume(0);
  }
}

// `wanted` are the players whose history is to be fetched.
class PlayerFetch extends Watcher {
  constructor(spec) {
    super(spec);
    this.wanted = new Set();
  }

  // Whose history is fetched first.
  get root() { return this.playerId; }

  onSubscribed() {
    this.fetchSoon(this.root);
  }

  onEvent(event) {
    const at = this.at(event.playerId);
    if (event.seq === at + 1) this.show(event);
    else if (event.seq <= at) this.repeats++;
    else this.fetchSoon(event.playerId);
  }

  onResync() {
    const had = [...this.last.keys()];
    this.drop();
    for (const playerId of [this.root, ...had]) this.fetchSoon(playerId);
  }

  fetchSoon(playerId) {
    this.wanted.add(playerId);
    this.fetching ??= this.fetchAll().finally(() => { this.fetching = null; });
  }

  async fetchAll() {
    while (this.wanted.size) {
      const [playerId] = this.wanted;
      this.wanted.delete(playerId);
      try {
        await this.fetchPlayer(playerId);
      } catch { // the bridge or the database is away
        this.wanted.add(playerId);
        await sleep(100);
      }
    }
  }

  // What was asked for before everything was dropped is not looked at: it is wanted again already.
  async fetchPlayer(playerId) {
    const { resyncs } = this;
    for (let more = true; more;) {
      const page = await this.get(`/api/unified-chat/messages/${playerId}?after=${this.at(playerId)}&limit=200`);
      if (resyncs !== this.resyncs) return;
      if (page.resync) this.violate(`the history of ${playerId} is behind seq ${this.at(playerId)}`);
      for (const message of page.messages)
        if (message.seq > this.at(playerId)) this.show(message);
      more = page.hasMore;
      if (!more && page.lastSeq > this.at(playerId)) this.last.set(playerId, page.lastSeq);
      this.complete = false;
    }
  }

  async get(path) {
    const answer = await fetch(this.base.url + path,
      { headers: { authorization: `Bearer ${this.token}` }, signal: AbortSignal.timeout(3000) });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    this.fetches++;
    return answer.json();
  }
}

class StaffFetch extends PlayerFetch {
  // Stands for the queue itself: it says who has news.
  get root() { return ''; }

  async fetchPlayer(playerId) {
    if (playerId !== this.root) return super.fetchPlayer(playerId);
    const { requests } = await this.get('/api/unified-chat/requests?status=waiting,in_progress,resolved&limit=200');
    for (const request of requests)
      if (request.lastSeq > this.at(request.playerId)) this.wanted.add(request.playerId);
  }
}

class StaffResume extends StaffFetch {
  onConnected() {
    if (this.position) this.resume(this.position);
  }

  onSubscribed(data) {
    this.position ??= data.position;
  }

  onEvent(event) {
    const at = this.at(event.playerId);
    if (event.seq === at + 1) this.show(event);
    else if (event.seq <= at) this.repeats++;
    else if (this.fetching) this.fetchSoon(event.playerId); // after a resync
    else this.violate(`got seq ${event.seq} of ${event.playerId} after ${at}`);
    if (event.position) this.position = event.position;
  }
}
