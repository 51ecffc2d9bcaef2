/*
 * The link that a push notification opens: #/request/ID. Pure.
 */

/* The request that an address names, or null. */
export function linkedRequest(hash) {
  return /^#\/request\/(\d+)$/.exec(hash)?.[1] ?? null;
}
