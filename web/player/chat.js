/*
 * The player's conversation: one thread, one live channel, and the moments at which it catches up.
 */
import { playerChannel } from '../shared/channels.js';
import { createLive } from '../shared/live.js';
import { createStore } from '../shared/store.js';
import { createThread } from '../shared/thread.js';
import { onWake } from '../shared/wake.js';

/* The store holds {thread, connection, revision}; revision changes with the thread. close() ends it all. */
export function createPlayerChat({ api, base, session }) {
  const thread = createThread({
    playerId: session.sub,
    role: 'player',
    sub: session.sub,
    api,
    storage: localStorage,
    onChange: () => store.set({ revision: store.get().revision + 1 }),
  });
  const store = createStore({ thread, connection: 'connecting', revision: 0 });
  const live = createLive({
    key: session.app.key,
    base,
    role: 'player',
    channel: playerChannel(session.sub),
    onEvent: thread.sync.apply,
    after: () => thread.sync.state.synced,
    onLive: thread.resume,
    onResumed: thread.sync.resumed,
    onMissed: thread.sync.catchUp,
    onState: (connection) => store.set({ connection }),
    onRefused: lookAgain,
  });
  const stopWaking = onWake(resume);
  resume();

  function resume() {
    thread.sync.catchUp();
    thread.resume();
  }

  /* The server ended the connection for good, or refused the channel: a session that ran out, or a restart. */
  async function lookAgain() {
    await api.session().catch((error) => error.status === 401 && api.onUnauthenticated(error));
    setTimeout(() => live.connect(), 2000);
  }

  return {
    store,
    thread,
    resume() {
      live.connect();
      resume();
    },
    close() {
      stopWaking();
      live.close();
      thread.close();
    },
  };
}
