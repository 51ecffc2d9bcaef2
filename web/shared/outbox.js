/*
 * Messages on their way out, kept in localStorage until the server has them.
 *
 *      enqueue ──▶ sending ──▶ (answer) gone: the message is in the conversation
 *                   ▲  └─────▶ failed, with the reason ──▶ Retry, or discard
 *                   └────────────────┘
 *
 * - Each entry has its clientMessageId from the start and keeps it, so that whatever is sent again after a lost answer,
 *   a reload or in a second tab is the same message to the server, which stores it once.
 * - One at a time and in order. What cannot get through now (network, 503, 429) is tried again by itself, a few times,
 *   and once more when resume() says that the connection is back; then it fails, and what waits behind it too. A 429 is
 *   no failed try: the server has said when it will take the message.
 * - What the server refuses (400, 403, 409) fails at once; the others go on.
 * - One storage key per entry: two tabs never overwrite each other's.
 */

const retryDelays = [1000, 2000, 4000, 8000, 15000];

/*
 * send(entry) -> promise of the server's answer, rejected with an error that has `transient` and `retryAfter` (seconds);
 * onSent(entry, answer); onChange() after any change. prefix: this sender and conversation's own part of the storage.
 */
export function createOutbox({ storage, prefix, send, onSent, onChange, setTimer = setTimeout }) {
  let entries = restore(storage, prefix);
  let busy = false;
  let wake = null;

  function update(id, change) {
    entries = entries.map((entry) => (entry.id === id ? { ...entry, ...change } : entry));
    onChange();
  }

  function remove(id) {
    entries = entries.filter((entry) => entry.id !== id);
    forget(storage, prefix + id);
    onChange();
  }

  function pause(milliseconds) {
    return new Promise((resolve) => {
      wake = resolve;
      setTimer(resolve, milliseconds);
    });
  }

  /* Try one entry until it is sent, refused, or out of tries. */
  async function deliver(entry) {
    for (let failures = 0; entries.some(({ id }) => id === entry.id); ) {
      try {
        const answer = await send(entry);
        onSent(entry, answer);
        remove(entry.id);
        return;
      } catch (error) {
        if (!entries.some(({ id }) => id === entry.id)) return;
        if (!error.transient) return update(entry.id, { state: 'failed', error: error.message });
        if (failures === retryDelays.length) return failAll(error);
        update(entry.id, { error: error.message });
        await pause(Math.max(retryDelays[failures], (error.retryAfter ?? 0) * 1000));
        if (error.status !== 429) failures++;
      }
    }
  }

  /* Nothing gets through: what waits behind must not overtake. */
  function failAll(error) {
    entries = entries.map((entry) =>
      entry.state === 'sending' ? { ...entry, state: 'failed', transient: true, error: error.message } : entry,
    );
    onChange();
  }

  function restart(chosen) {
    const afresh = { state: 'sending', error: null, transient: false };
    entries = entries.map((entry) => (chosen(entry) ? { ...entry, ...afresh } : entry));
    onChange();
    wake?.();
    pump();
  }

  async function pump() {
    if (busy) return;
    busy = true;
    for (let next; (next = entries.find((entry) => entry.state === 'sending')); ) await deliver(next);
    busy = false;
  }

  return {
    get entries() {
      return entries;
    },

    enqueue(text, fields = {}) {
      const entry = { ...fields, id: randomId(), text, at: Date.now(), state: 'sending', error: null };
      entries = [...entries, entry];
      remember(storage, prefix, entry);
      onChange();
      pump();
      return entry;
    },

    /* This one again; and with it all that failed for want of a connection, since none may overtake. */
    retry(id) {
      restart((entry) => entry.id === id || entry.transient);
    },

    discard: remove,

    /* All of it: nothing more is sent, and nothing is kept. */
    clear() {
      entries = [];
      for (const key of keysOf(storage, prefix)) forget(storage, key);
      onChange();
      wake?.();
    },

    /* The connection is back, or the page has just been opened. */
    resume() {
      if (entries.length > 0) restart((entry) => entry.transient);
    },
  };
}

/* The storage keys' parts of the conversations that have something unsent: for a page that opens. */
export function pendingConversations(storage, prefix) {
  const found = new Set();
  for (const key of keysOf(storage, prefix)) found.add(key.slice(prefix.length, key.lastIndexOf('/')));
  return [...found].map(decodeURIComponent);
}

function restore(storage, prefix) {
  const entries = [];
  for (const key of keysOf(storage, prefix)) {
    try {
      const { text, at, ...fields } = JSON.parse(storage.getItem(key));
      if (typeof text === 'string') entries.push({ ...fields, id: key.slice(prefix.length), text, at, state: 'sending', error: null });
    } catch {
      forget(storage, key);
    }
  }
  return entries.sort((a, b) => a.at - b.at);
}

function keysOf(storage, prefix) {
  try {
    return Object.keys(storage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

/* Storage may be full or forbidden: the message is then sent all the same, and only a reload would lose it. */
function remember(storage, prefix, { id, ...entry }) {
  try {
    storage.setItem(prefix + id, JSON.stringify({ ...entry, state: undefined, error: undefined }));
  } catch {
    /* see above */
  }
}

function forget(storage, key) {
  try {
    storage.removeItem(key);
  } catch {
    /* nothing was stored either */
  }
}

/* crypto.randomUUID exists only on https and localhost. */
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
