// The reducer of one conversation: whatever comes, in whatever order, what is shown is what the server has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as conversation from '../shared/conversation.js';

const { emptyConversation, hasGap, lastSeq, withEvent, withNewestPage, withPageAfter, withPageBefore, withSent } = conversation;

// A server in memory: the events of one player, and the pages that docs/http.md describes.
class Server {
  constructor(playerId = 'ann') {
    this.playerId = playerId;
    this.events = [];
    this.request = null;
  }

  emit(kind, fields = {}) {
    const event = {
      kind, playerId: this.playerId, playerName: 'Ann', seq: this.events.length + 1, timestamp: '2026-01-02T03:04:05.000006Z',
      ...this.request, ...fields,
    };
    this.events.push(event);
    return event;
  }

  message(text, sender = 'player') {
    if (this.request === null) {
      this.request = { requestId: '1', status: 'waiting', urgency: 'normal', assignedTo: null };
      this.emit('request_created', { lastMessage: text });
    }
    return this.emit('message', { messageId: String(this.events.length), sender, senderId: sender, message: text, clientMessageId: `c${this.events.length}` });
  }

  status(kind, status, assignedTo) {
    this.request = { ...this.request, status, assignedTo };
    return this.emit(kind, { actor: 'alex' });
  }

  page({ after, before, limit = 3 } = {}) {
    let all = this.events.filter((event) => event.kind === 'message');
    const lastSeq = this.events.length;
    const common = { lastSeq, playerReadSeq: 0, staffReadSeq: 0, request: this.request && { ...this.request, playerName: 'Ann' } };
    if (after !== undefined) {
      all = all.filter((event) => event.seq > after);
      return { ...common, messages: all.slice(0, limit), hasMore: all.length > limit };
    }
    if (before !== undefined) all = all.filter((event) => event.seq < before);
    return { ...common, messages: all.slice(-limit), hasMore: all.length > limit };
  }

  get seqs() {
    return this.events.filter((event) => event.kind === 'message').map((event) => event.seq);
  }
}

const seqs = (state) => state.messages.map((message) => message.seq);

test('live events in order are shown in order, each once', () => {
  const server = new Server();
  let state = withNewestPage(emptyConversation('ann'), server.page());
  for (let i = 0; i < 3; i++) server.message(`m${i}`);
  for (const event of [...server.events, ...server.events]) state = withEvent(state, event);
  assert.deepEqual(seqs(state), [2, 3, 4]);
  assert.equal(state.synced, 4);
  assert.equal(hasGap(state), false);
});

test('a seq that jumps is a gap until what is between has come, by event or by page', () => {
  const server = new Server();
  let state = withNewestPage(emptyConversation('ann'), server.page());
  for (let i = 0; i < 4; i++) server.message(`m${i}`);
  state = withEvent(state, server.events[0]);
  state = withEvent(state, server.events[3]);
  assert.equal(hasGap(state), true);
  assert.equal(state.synced, 1);
  assert.deepEqual(seqs(state), [4], 'what came is shown at once');
  const byEvents = server.events.slice(1, 3).reduce(withEvent, state);
  assert.equal(hasGap(byEvents), false);
  assert.deepEqual(seqs(byEvents), [2, 3, 4]);
  const byPage = withPageAfter(state, server.page({ after: state.synced, limit: 10 }));
  assert.equal(hasGap(byPage), false);
  assert.deepEqual(seqs(byPage), [2, 3, 4, 5]);
});

test('events that came before the first page and during it are merged with it', () => {
  const server = new Server();
  for (let i = 0; i < 3; i++) server.message(`m${i}`);
  const page = server.page();
  const later = server.message('later');
  let state = withEvent(emptyConversation('ann'), later);
  assert.equal(hasGap(state), false, 'nothing is known yet, so nothing is missing');
  state = withNewestPage(state, page);
  assert.deepEqual(seqs(state), [2, 3, 4, 5]);
  assert.equal(state.synced, 5);
});

test('news of the request counts only if it is newer than what is known', () => {
  const server = new Server();
  server.message('hi');
  const stale = server.page();
  let state = withNewestPage(emptyConversation('ann'), stale);
  state = withEvent(state, server.status('claimed', 'in_progress', 'alex'));
  assert.equal(withNewestPage(state, stale).request.status, 'in_progress');
  state = withEvent(state, server.status('resolved', 'resolved', 'alex'));
  assert.equal(withEvent(state, server.events[2]).request.status, 'resolved');
});

test('older pages go in above and say nothing about what is new', () => {
  const server = new Server();
  for (let i = 0; i < 9; i++) server.message(`m${i}`);
  let state = withNewestPage(emptyConversation('ann'), server.page());
  assert.equal(state.hasOlder, true);
  server.message('not heard of');
  while (state.hasOlder) state = withPageBefore(state, server.page({ before: state.messages[0].seq }));
  assert.deepEqual(seqs(state), server.seqs.slice(0, -1));
  assert.equal(state.synced, 10);
});

test('what is older than the messages shown opens no hole', () => {
  const server = new Server();
  for (let i = 0; i < 9; i++) server.message(`m${i}`);
  const state = withNewestPage(emptyConversation('ann'), server.page());
  const replay = { ...server.events[2], text: 'm1' };
  assert.deepEqual(seqs(withSent(state, replay)), [8, 9, 10]);
  assert.deepEqual(seqs(withEvent(state, server.events[2])), [8, 9, 10]);
});

test('a newest page that does not join up with what is shown replaces it', () => {
  const server = new Server();
  for (let i = 0; i < 3; i++) server.message(`m${i}`);
  let state = withNewestPage(emptyConversation('ann'), server.page());
  for (let i = 0; i < 9; i++) server.message(`n${i}`);
  state = withNewestPage(state, server.page());
  assert.deepEqual(seqs(state), server.seqs.slice(-3));
  assert.equal(state.hasOlder, true);
});

test('resync drops what the server no longer has', () => {
  const server = new Server();
  for (let i = 0; i < 5; i++) server.message(`m${i}`);
  let state = withNewestPage(emptyConversation('ann'), server.page({ limit: 10 }));
  server.events.length = 3;
  state = withPageAfter(state, { ...server.page({ limit: 10 }), resync: true });
  assert.deepEqual(seqs(state), [2, 3]);
  assert.equal(state.synced, 3);
});

test('blocked and unblocked: by event and by page, whichever is newer; the request stays', () => {
  const server = new Server();
  server.message('one');
  const page = { ...server.page(), blocked: false };
  let state = withNewestPage(emptyConversation('ann'), page);
  state = withEvent(state, server.emit('blocked', { requestId: null, status: null }));
  assert.equal(state.blocked, true);
  assert.equal(state.request.requestId, '1');
  assert.equal(withNewestPage(state, page).blocked, true);
  state = withEvent(state, server.emit('pruned', { requestId: null, status: null }));
  assert.equal(state.blocked, true);
  assert.equal(withNewestPage(state, { ...server.page(), blocked: false }).blocked, false);
  state = withEvent(state, server.emit('unblocked', { requestId: null, status: null }));
  assert.equal(state.blocked, false);
  assert.equal(hasGap(state), false);
});

test('erased: everything before is gone and stays gone', () => {
  const server = new Server();
  for (let i = 0; i < 3; i++) server.message(`m${i}`);
  const before = server.page();
  let state = withNewestPage(emptyConversation('ann'), before);
  state = withEvent(state, server.emit('erased', { requestId: null, status: null }));
  assert.deepEqual(seqs(state), []);
  assert.equal(state.request, null);
  assert.equal(state.synced, 5);
  assert.deepEqual(seqs(withPageBefore(state, before)), []);
});

test('another player’s events change nothing', () => {
  const state = withNewestPage(emptyConversation('ann'), new Server().page());
  assert.equal(withEvent(state, new Server('bo').message('hi')), state);
});

test('the answer to a send and its event are one message, whichever comes first', () => {
  const server = new Server();
  const start = withNewestPage(emptyConversation('ann'), server.page());
  const event = server.message('hi');
  const first = withSent(server.events.reduce(withEvent, start), event);
  const last = server.events.reduce(withEvent, withSent(start, event));
  assert.deepEqual(seqs(first), [2]);
  assert.deepEqual(seqs(last), [2]);
  assert.equal(last.synced, 2);
  assert.equal(lastSeq(last), 2);
});

// Any loss, repetition and order of events, pages in between, then one catch-up: the truth. The seed of a failure is named.
test('a thousand random lives end as the server has it', () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const random = generator(seed);
    const server = new Server();
    let state = emptyConversation('ann');
    const onTheWay = [];
    const pages = [];
    for (let step = 0; step < 40; step++) {
      const before = server.events.length;
      if (random() < 0.5) server.message(`m${step}`, random() < 0.5 ? 'player' : 'staff');
      else if (server.request && random() < 0.3) server.status('claimed', 'in_progress', 'alex');
      for (const event of server.events.slice(before)) {
        if (random() < 0.8) onTheWay.splice(Math.floor(random() * (onTheWay.length + 1)), 0, event);
        if (random() < 0.1) onTheWay.push(event);
      }
      if (random() < 0.6 && onTheWay.length > 0) state = withEvent(state, onTheWay.shift());
      if (random() < 0.15) pages.push(state.synced === null ? { page: server.page() } : { after: true, page: server.page({ after: state.synced }) });
      if (random() < 0.3 && pages.length > 0) state = arrive(state, pages.shift());
      ascending(seqs(state), seed);
    }
    while (pages.length > 0) state = arrive(state, pages.shift());
    if (state.synced === null) state = withNewestPage(state, server.page());
    for (let more = true; more; ) {
      const page = server.page({ after: state.synced });
      state = withPageAfter(state, page);
      more = page.hasMore;
    }
    while (state.hasOlder) state = withPageBefore(state, server.page({ before: state.messages[0].seq }));
    assert.deepEqual(seqs(state), server.seqs, `seed ${seed}`);
    assert.equal(state.synced, server.events.length, `seed ${seed}`);
    assert.equal(hasGap(state), false, `seed ${seed}`);
    assert.equal(state.request?.status, server.request?.status, `seed ${seed}`);
  }
});

function arrive(state, { after, page }) {
  return after ? withPageAfter(state, page) : withNewestPage(state, page);
}

function ascending(numbers, seed) {
  for (let i = 1; i < numbers.length; i++) assert.ok(numbers[i] > numbers[i - 1], `seed ${seed}: ${numbers}`);
}

function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the event of a message that is erased already is seen, and not shown', () => {
  const server = new Server();
  server.message('one');
  server.message(null, null);
  const state = server.events.reduce(withEvent, withNewestPage(emptyConversation('ann'), { ...server.page(), messages: [], lastSeq: 0 }));
  assert.deepEqual(state.messages.map(({ message }) => message), ['one']);
  assert.equal(lastSeq(state), 3);
});
