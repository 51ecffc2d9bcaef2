/*
 * The live connection: stock pusher-js, one private channel, and its state in three words.
 *
 *      connecting ──▶ live ──▶ offline ──▶ live …        live = connected and subscribed
 *
 * pusher-js reconnects and subscribes again by itself. What it leaves to us:
 *
 *   - After a connection that is refused outright, as while the bridge restarts, it waits 15 seconds, then 30, then 60. So
 *     an attempt that has not succeeded after a while is begun anew, and at once when the network is back.
 *   - A subscription that was refused because the server was busy is asked for again.
 *   - What happened while the connection was away: it is asked for on the channel itself with unichat:resume (docs/events.md),
 *     behind what the page has. It comes as the same events, before what happens live. Where that cannot be, the server says
 *     so with unichat:resync, and the page loads it over HTTP.
 *   - When the server has lost what it once told (it was restored, or failed over with loss), the page begins anew: what it
 *     shows may never have happened. What was not sent yet is in the outbox and survives that.
 *   - A connection that the server ended for good (close codes 4000 to 4099, such as a token that has run out) is looked
 *     into by onRefused, which may call connect() again.
 */

const resubscribeMs = 2000;
const attemptMs = [1500, 2500, 4000, 6000, 10000];
const jitter = () => 0.75 + Math.random() / 2;

/*
 * channel: its name. after(): the seq to resume behind, or null while the page has nothing; the staff's channel needs none,
 * as its events carry the position. onEvent(event) for each event of the chat. onLive() each time the subscription is (again)
 * complete; then either onResumed(), when all that was missed has come, or onMissed(), when it has to be loaded.
 * onState(state); onRefused(). Global Pusher comes from vendor/pusher.js.
 */
export function createLive({ key, base, role, channel: name, after = null, onEvent, onLive, onResumed, onMissed, onState, onRefused }) {
  const headers = { 'X-Unichat-Role': role };
  const secure = location.protocol === 'https:';
  const port = Number(location.port) || (secure ? 443 : 80);
  let state = 'connecting';
  let closed = false;
  let attempts = 0;
  let attemptTimer = null;
  let anew = false;
  let position = null;
  let epoch;
  let asked = null;

  const pusher = new globalThis.Pusher(key, {
    cluster: '',
    wsHost: location.hostname,
    wsPort: port,
    wssPort: port,
    wsPath: base.replace(/\/$/, ''),
    forceTLS: secure,
    enabledTransports: secure ? ['ws', 'wss'] : ['ws'],
    activityTimeout: 20000,
    pongTimeout: 6000,
    unavailableTimeout: 4000,
    channelAuthorization: { endpoint: base + 'pusher/auth', transport: 'ajax', headers },
    userAuthentication: { endpoint: base + 'pusher/user-auth', transport: 'ajax', headers },
  });

  function become(next) {
    if (next === state) return;
    state = next;
    onState(state);
  }

  pusher.connection.bind('state_change', ({ current }) => {
    if (closed || anew) return;
    clearTimeout(attemptTimer);
    if (current === 'connected') {
      attempts = 0;
      resume();
      return;
    }
    become(state === 'connecting' ? 'connecting' : 'offline');
    if (current === 'disconnected' || current === 'failed') onRefused();
    else attemptTimer = setTimeout(tryAnew, attemptMs[Math.min(attempts++, attemptMs.length - 1)] * jitter());
  });

  /* Asked before the subscription is made, so that each event comes once. */
  function resume() {
    asked = after ? after() : position;
    if (asked !== null) pusher.send_event('unichat:resume', { channel: name, after: asked, epoch });
  }

  /* A server that was restored or failed over with loss: what this page shows may never have happened. */
  function onResync({ reason }) {
    if (reason === 'epoch' || reason === 'ahead') setTimeout(() => location.reload(), resubscribeMs * Math.random());
    else onMissed();
  }

  function tryAnew() {
    if (closed || pusher.connection.state === 'connected') return;
    anew = true;
    pusher.disconnect();
    anew = false;
    pusher.connect();
  }

  function onOnline() {
    attempts = 0;
    tryAnew();
  }

  function subscribe() {
    if (closed || pusher.connection.state !== 'connected') return;
    pusher.unsubscribe(name);
    resume();
    bind(pusher.subscribe(name));
  }

  function bind(channel) {
    channel.bind('pusher:subscription_succeeded', (data) => {
      epoch ??= data?.epoch;
      position ??= data?.position ?? null;
      become('live');
      onLive();
      if (asked === null) onMissed();
    });
    channel.bind('pusher:subscription_error', ({ status }) => {
      if (status === 401 || status === 403) onRefused();
      setTimeout(subscribe, resubscribeMs * jitter());
    });
    channel.bind('unichat:resumed', onResumed);
    channel.bind('unichat:resync', onResync);
    /* Not from pusher:subscription_succeeded: its position is of now, and what was missed has not come yet. */
    channel.bind_global((event, data) => {
      if (event.startsWith('pusher')) return;
      if (data?.position) position = data.position;
      if (typeof data?.seq === 'number') onEvent(data);
    });
  }

  bind(pusher.subscribe(name));
  window.addEventListener('online', onOnline);
  return {
    get state() {
      return state;
    },
    connect: () => pusher.connect(),
    close() {
      closed = true;
      clearTimeout(attemptTimer);
      window.removeEventListener('online', onOnline);
      pusher.disconnect();
    },
  };
}
