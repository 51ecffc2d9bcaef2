// A stock pusher-js client that writes down everything it receives.
import Pusher from 'pusher-js';
import { until, within } from './wait.js';

// token: of the player or staff member, used for channel authorization and sign-in; none: an anonymous client.
// Returns when it is connected, unless wait is false.
export async function connectClient(bridge, { token, channels = [], signin = false, wait = true, options = {} } = {}) {
  const client = new Client(bridge, token, options);
  if (!wait) return client;
  await client.connected();
  if (signin) await client.signin();
  for (const name of channels) await client.subscribe(name);
  return client;
}

class Client {
  constructor(bridge, token, options) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    this.events = []; // {channel, event, data, at}, the protocol's own events left out
    this.states = [];
    this.pusher = new Pusher(bridge.key, {
      cluster: '', wsHost: '127.0.0.1', wsPort: bridge.wsPort, forceTLS: false, enabledTransports: ['ws'], disableStats: true,
      channelAuthorization: { endpoint: `${bridge.url}/pusher/auth`, transport: 'ajax', headers },
      userAuthentication: { endpoint: `${bridge.url}/pusher/user-auth`, transport: 'ajax', headers },
      ...options,
    });
    bridge.clients.add(this);
    this.pusher.connection.bind('state_change', ({ current }) => this.states.push(current));
  }

  get state() {
    return this.pusher.connection.state;
  }

  connected() {
    return until(() => this.state === 'connected', 'pusher-js to connect');
  }

  async signin() {
    this.pusher.signin();
    await until(() => this.pusher.user.user_data, 'the sign-in');
  }

  // Resolves when subscribed, with what the server said; throws with the server's error when refused.
  subscribe(name) {
    const channel = this.pusher.subscribe(name);
    channel.bind_global((event, data) => {
      if (!event.startsWith('pusher:')) this.events.push({ channel: name, event, data, at: Date.now() });
    });
    return within(new Promise((resolve, reject) => {
      channel.bind('pusher:subscription_succeeded', resolve);
      channel.bind('pusher:subscription_error', (error) => {
        reject(Object.assign(new Error(`${name} refused: ${JSON.stringify(error)}`), { refusal: error }));
      });
    }), `the subscription to ${name}`);
  }

  // What has come so far on a channel, or under an event's name.
  on(channel, event) {
    return this.events.filter((one) => one.channel === channel && (!event || one.event === event));
  }

  // The first event that match(event) accepts, come or yet to come.
  waitFor(match, what) {
    return until(() => this.events.find(match), what);
  }

  close() {
    this.pusher.disconnect();
  }
}
