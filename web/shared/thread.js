/*
 * One conversation as a portal works with it: what the server has (sync.js), what is on its way there (outbox.js), and how
 * far the reader has read.
 */
import { lastSeq, withReadSeqs, withSent } from './conversation.js';
import { draftKey, saveDraft } from './draft.js';
import { createOutbox } from './outbox.js';
import { createSync } from './sync.js';
import { stillPending } from './timeline.js';

/* Where the unsent messages of this sender are kept; the conversation's own part follows. */
export function outboxPrefix(role, sub) {
  return `unichat/outbox/${role}/${encodeURIComponent(sub)}/`;
}

/* role, sub: of who reads and writes here. onChange() after any change. */
export function createThread({ playerId, role, sub, api, storage, onChange }) {
  let reading = 0;
  let erasedSeq = 0;
  const sync = createSync({ playerId, api, onChange: () => (sync.state.erasedSeq > erasedSeq ? erase() : onChange()) });
  const outbox = createOutbox({
    storage,
    prefix: `${outboxPrefix(role, sub)}${encodeURIComponent(playerId)}/`,
    onChange,
    send: ({ id, text, urgency }) => api.send({ playerId, message: text, clientMessageId: id, ...(urgency ? { urgency } : {}) }),
    onSent: (entry, answer) => sync.update(withSent(sync.state, sentMessage(entry, answer))),
  });

  function sentMessage(entry, { messageId, requestId, seq, timestamp }) {
    const own = { sender: role, senderId: sub, message: entry.text, clientMessageId: entry.id };
    return { messageId, requestId, playerId, seq, timestamp, ...own };
  }

  /* The player is erased: neither is what was not sent yet to come after it, nor what was begun to be kept. */
  function erase() {
    erasedSeq = sync.state.erasedSeq;
    saveDraft(draftKey(role, sub, playerId), '');
    outbox.clear();
  }

  function readSeq() {
    return Math.max(reading, role === 'staff' ? sync.state.staffReadSeq : sync.state.playerReadSeq);
  }

  function unread() {
    const seq = readSeq();
    return sync.state.messages.filter((message) => message.seq > seq && message.sender !== role).length;
  }

  /* The reader has seen everything there is. Told once; if that fails, with the next that is to be told. */
  async function read() {
    if (!sync.ready || unread() === 0) return;
    const seq = lastSeq(sync.state);
    reading = seq;
    try {
      sync.update(withReadSeqs(sync.state, await api.read(playerId, seq)));
    } catch {
      reading = 0;
    }
  }

  return {
    playerId,
    sync,
    read,
    send: (text, fields) => outbox.enqueue(text, fields),
    retry: outbox.retry,
    discard: outbox.discard,
    /* The way may be free again. */
    resume() {
      outbox.resume();
      sync.retry();
    },
    close: sync.close,
    get conversation() {
      return sync.state;
    },
    get pending() {
      return stillPending(outbox.entries, sync.state.messages, role);
    },
    /* How many messages of the other side the reader has not seen. */
    get unread() {
      return unread();
    },
  };
}
