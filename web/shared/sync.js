/*
 * Keeps one conversation equal to the server's: the reducer of conversation.js, and when to fetch.
 *
 *   catchUp()   at the start, on wake-up and now and then, and where resuming cannot be: everything after `synced`
 *   resumed()   after a reconnect: what was missed has come as events, before this
 *   apply()     a live event; one that jumps ahead sets a short timer, after which what is missing is fetched
 *   older()     a page of history, when the reader scrolls there
 */
import { createCatchUp } from './catchup.js';
import { emptyConversation, hasGap, withEvent, withNewestPage, withPageAfter, withPageBefore } from './conversation.js';

const pageSize = 50;
const catchUpSize = 200;
const gapGraceMs = 250;

/* onChange() after any change of `state`, `syncedAt`, `error` or `loadingOlder`. */
export function createSync({ playerId, api, onChange }) {
  let state = emptyConversation(playerId);
  let gapTimer = null;
  let loadingOlder = false;
  const newer = createCatchUp({ fetch: fetchNew, onChange });

  function update(next) {
    if (next === state) return;
    state = next;
    if (hasGap(state)) gapTimer ??= setTimeout(fillGap, gapGraceMs);
    onChange();
  }

  /* The grace over, the events on their way have closed the gap, or they will not come. */
  function fillGap() {
    gapTimer = null;
    if (hasGap(state)) newer.now();
  }

  async function fetchNew() {
    if (state.synced === null) {
      const page = await api.messages(playerId, { limit: pageSize });
      state = withNewestPage(state, page);
      return;
    }
    for (let more = true; more; ) {
      const page = await api.messages(playerId, { after: state.synced, limit: catchUpSize });
      state = withPageAfter(state, page);
      more = page.hasMore && !page.resync;
    }
  }

  /* A page that does not come is asked for again when the reader scrolls again. */
  async function older() {
    if (loadingOlder || !state.hasOlder || state.messages.length === 0) return;
    loadingOlder = true;
    onChange();
    try {
      const page = await api.messages(playerId, { before: state.messages[0].seq, limit: pageSize });
      state = withPageBefore(state, page);
    } finally {
      loadingOlder = false;
      onChange();
    }
  }

  return {
    get state() {
      return state;
    },
    get ready() {
      return state.synced !== null;
    },
    get error() {
      return newer.error;
    },
    get syncedAt() {
      return newer.syncedAt;
    },
    get loadingOlder() {
      return loadingOlder;
    },
    update,
    apply: (event) => update(withEvent(state, event)),
    catchUp: newer.now,
    retry: newer.retry,
    resumed: newer.resumed,
    older: () => older().catch(() => {}),
    close() {
      newer.close();
      clearTimeout(gapTimer);
    },
  };
}
