/*
 * What was begun to be written, kept in sessionStorage: it outlives a reload, and ends with the tab.
 */
const prefix = 'unichat/draft/';

/* Of this writer, in the conversation of this player. */
export function draftKey(role, sub, playerId) {
  return prefix + (role === 'player' ? `player/${sub}` : `staff/${sub}/${playerId}`);
}

export function loadDraft(key) {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

export function saveDraft(key, text) {
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    /* only a reload would lose it */
  }
}
