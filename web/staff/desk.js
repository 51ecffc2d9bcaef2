/*
 * The desk of one member of staff: the queue, a thread for each player that was opened, and what can be done with them.
 *
 * One live channel carries every player's events, so it feeds the queue and every thread, and after a reconnect it brings
 * what was missed. At the start, on wake-up and now and then, and where resuming cannot be, the queue is fetched again and the
 * open chat catches up from where it is; the other threads do when they are opened, or when an event shows them that they
 * have missed one.
 *
 * The store holds {queue, connection, selected, filter, histories, notice, revision}; revision changes with any thread or
 * fetch. histories: by player id, all requests of the player, newest first, for the lines between them.
 */
import { staffChannel } from '../shared/channels.js';
import { createCatchUp } from '../shared/catchup.js';
import { createLive } from '../shared/live.js';
import { createStore } from '../shared/store.js';
import { onWake } from '../shared/wake.js';
import { createPlace } from './place.js';
import { emptyQueue, listMax, openRequest, withEvent, withList, withLookedAt, withRead } from './queue.js';
import { createThreads } from './threads.js';

const noticeMs = 8000;

/* onEvent(event, desk): for the alerts, after the queue knows it. */
export function createDesk({ api, base, session, onEvent = () => {} }) {
  let meanwhile = null;
  let clockOffset = 0;
  const store = createStore({
    queue: emptyQueue(),
    connection: 'connecting',
    selected: null,
    filter: '',
    histories: {},
    notice: null,
    revision: 0,
  });
  const changed = () => store.set({ revision: store.get().revision + 1 });
  const inUse = (playerId) => playerId === store.get().selected;
  const threads = createThreads({ api, sub: session.sub, storage: localStorage, onChange: changed, inUse });
  const list = createCatchUp({ fetch: fetchQueue, onChange: changed });
  const place = createPlace({ onMove: show, onLink: followLink });
  const live = createLive({
    key: session.app.key,
    base,
    role: 'staff',
    channel: staffChannel,
    onEvent: apply,
    onLive() {
      threads.resume();
      list.retry();
    },
    onResumed: list.resumed,
    onMissed: catchUp,
    onState: (connection) => store.set({ connection }),
    onRefused: lookAgain,
  });
  const stopWaking = onWake(resume);
  const desk = {
    store,
    list,
    me: session.sub,
    now: () => Date.now() + clockOffset,
    thread: threads.open,
    select: place.go,
    setFilter: (filter) => store.set({ filter }),
    claim: (request) => setStatus(request, 'in_progress'),
    release: (request) => setStatus(request, 'waiting'),
    resolve: (request) => setStatus(request, 'resolved'),
    block,
    read,
    notify,
    resume() {
      live.connect();
      resume();
    },
    close,
  };

  threads.openUnsent();
  if (place.opened() !== null) show(place.opened());
  resume();
  return desk;

  function resume() {
    catchUp();
    threads.resume();
  }

  function catchUp() {
    list.now();
    threads.known(store.get().selected)?.sync.catchUp();
  }

  async function fetchQueue() {
    meanwhile = [];
    try {
      const { requests, serverTime } = await api.requests({ status: 'waiting,in_progress', limit: listMax });
      clockOffset = serverTime ? Date.parse(serverTime) - Date.now() : 0;
      store.set({ queue: withList(store.get().queue, requests, meanwhile) });
      followLink();
    } finally {
      meanwhile = null;
    }
  }

  function apply(event) {
    meanwhile?.push(event);
    const queue = withEvent(store.get().queue, event);
    store.set({ queue });
    threads.apply(event);
    if (queue.stale) list.now();
    if (changesHistory(event)) loadHistory(event.playerId);
    onEvent(event, desk);
  }

  function show(playerId) {
    const { queue } = store.get();
    const request = playerId === null ? null : openRequest(queue, playerId);
    store.set({ selected: playerId, queue: request ? withLookedAt(queue, request.requestId) : queue });
    if (playerId === null) return;
    threads.open(playerId).sync.catchUp();
    loadHistory(playerId);
  }

  /* A notification's link: its chat is opened as soon as the list is known. */
  function followLink() {
    if (!store.get().queue.loaded) return;
    const requestId = place.takeLink();
    if (requestId === null) return;
    const request = store.get().queue.requests[requestId];
    if (request) place.go(request.playerId);
    else notify('That chat is resolved.');
  }

  /* The player's requests are listed, and this may have changed what the list says. */
  function changesHistory(event) {
    const history = store.get().histories[event.playerId];
    if (!history || event.kind !== 'message') return Boolean(history);
    return event.sender === 'staff' && history.some((row) => row.requestId === event.requestId && !row.firstResponseAt);
  }

  async function loadHistory(playerId) {
    try {
      const { requests } = await api.requests({ playerId });
      store.set({ histories: { ...store.get().histories, [playerId]: requests } });
    } catch {
      /* the lines between requests are then without details, and come with the next event or opening */
    }
  }

  /* Who loses a race is told by the server who won it. */
  async function setStatus(request, status) {
    try {
      await api.setStatus(request.requestId, status);
    } catch (error) {
      notify(error.message);
      catchUp();
      return false;
    }
    if (store.get().connection !== 'live') catchUp();
    return true;
  }

  async function block(playerId, blocked) {
    try {
      await api.block(playerId, blocked);
      notify(blocked ? 'Blocked: the player cannot write any more.' : 'The player can write again.');
      if (store.get().connection !== 'live') catchUp();
    } catch (error) {
      notify(error.message);
    }
  }

  function read(playerId) {
    const queue = withRead(store.get().queue, playerId);
    const request = openRequest(queue, playerId);
    const looked = request ? withLookedAt(queue, request.requestId) : queue;
    if (looked !== store.get().queue) store.set({ queue: looked });
    threads.open(playerId).read();
  }

  function notify(text) {
    const notice = { text };
    store.set({ notice });
    setTimeout(() => store.get().notice === notice && store.set({ notice: null }), noticeMs);
  }

  /* The server ended the connection for good, or refused the channel: a session that ran out, or a restart. */
  async function lookAgain() {
    await api.session().catch((error) => error.status === 401 && api.onUnauthenticated(error));
    setTimeout(() => live.connect(), 2000);
  }

  function close() {
    place.close();
    stopWaking();
    live.close();
    list.close();
    threads.close();
  }
}
