/*
 * Which chat is open, kept in the browser's history: Back leads from a chat to the list, a reload to the same chat.
 * And the link of a push notification, #/request/ID, after which the address is the desk's again.
 */

/* The request that an address names, or null. */
export function linkedRequest(hash) {
  return /^#\/request\/(\d+)$/.exec(hash)?.[1] ?? null;
}

/* onMove(playerId or null) whenever another chat is to be shown; onLink() when a link has been opened. */
export function createPlace({ onMove, onLink }) {
  const opened = () => history.state?.chat ?? null;
  const onBack = () => onMove(opened());
  window.addEventListener('popstate', onBack);
  window.addEventListener('hashchange', onLink);
  return {
    opened,

    go(playerId) {
      if (playerId === null && opened() !== null) return history.back();
      if (opened() !== null) history.replaceState({ chat: playerId }, '');
      else if (playerId !== null) history.pushState({ chat: playerId }, '');
      return onMove(playerId);
    },

    /* The id of the request that a link has named, once; or null. */
    takeLink() {
      const requestId = linkedRequest(location.hash);
      if (requestId !== null) history.replaceState(history.state, '', location.pathname + location.search);
      return requestId;
    },

    close() {
      window.removeEventListener('popstate', onBack);
      window.removeEventListener('hashchange', onLink);
    },
  };
}
