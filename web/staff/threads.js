/*
 * The threads of the players whose chats were opened. Those not opened for long are let go, but for one with something
 * unsent; what waits in the storage from an earlier page is sent.
 */
import { draftKey, saveDraft } from '../shared/draft.js';
import { pendingConversations } from '../shared/outbox.js';
import { createThread, outboxPrefix } from '../shared/thread.js';

const kept = 30;

/* sub: whose threads they are; onChange() after a change of any; inUse(playerId): it must stay. */
export function createThreads({ api, sub, storage, onChange, inUse }) {
  const threads = new Map();

  /* The thread of a player, made if need be. */
  function open(playerId) {
    const known = threads.get(playerId);
    if (known) return known;
    const opened = createThread({ playerId, role: 'staff', sub, api, storage, onChange });
    threads.set(playerId, opened);
    letGo(playerId);
    opened.resume();
    return opened;
  }

  function letGo(newest) {
    for (const [playerId, thread] of threads) {
      if (threads.size <= kept) return;
      if (playerId === newest || inUse(playerId) || thread.pending.length > 0) continue;
      thread.close();
      threads.delete(playerId);
    }
  }

  /* An event of any player. Who has no thread has nothing unsent, but may have a draft from before it was let go. */
  function apply(event) {
    threads.get(event.playerId)?.sync.apply(event);
    if (event.kind === 'erased' && !threads.has(event.playerId)) saveDraft(draftKey('staff', sub, event.playerId), '');
  }

  return {
    open,
    apply,
    known: (playerId) => threads.get(playerId) ?? null,
    openUnsent: () => pendingConversations(storage, outboxPrefix('staff', sub)).forEach(open),
    resume: () => threads.forEach((thread) => thread.resume()),
    close: () => threads.forEach((thread) => thread.close()),
  };
}
