/*
 * Texts of messages: their length as the server counts it, and the links in them.
 */

export const maxLength = 4000;

/* PostgreSQL counts characters, JavaScript UTF-16 units. */
export function characters(text) {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const link = /\bhttps?:\/\/[^\s<>"'`]+/g;
const trailing = /[.,;:!?)\]}]+$/;

/* Split into plain strings and {href} of http and https addresses, in order; joined, they are the text again. */
export function withLinks(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(link)) {
    const href = found[0].replace(trailing, '');
    if (!URL.canParse(href)) continue;
    if (found.index > end) parts.push(text.slice(end, found.index));
    parts.push({ href });
    end = found.index + href.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/* Up to two letters for an avatar, from a name or an id. */
export function initials(name) {
  const words = name.trim().split(/[\s._\-@]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)].map((word) => [...word][0]) : [...(words[0] ?? '?')].slice(0, 2);
  return letters.join('').toUpperCase();
}
