/*
 * The conversation, scrolled as readers expect:
 *
 *   - at the end it stays at the end, whatever comes or whoever resizes the window;
 *   - further up nothing moves: history put in above keeps the lines in their place, and what comes below shows as a
 *     pill that counts it;
 *   - near the top the page before is fetched.
 *
 * role="log" names what it is. Its own announcements are off, because history put in above would be read out too; one
 * polite live region says what others write while the page is open, and only that.
 */
import { Fragment, html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../ui.js';
import { dayName } from '../time.js';
import { Icon } from './icons.js';
import { Message } from './message.js';

const nearEnd = 60;
const nearTop = 240;

/*
 * rows: of timeline(). name(row): the author, for the reader; divider(row): a request's line, or null; while rows and both of
 * them are the same, so are the lines. hasOlder, loading, onOlder(): history. onRead(): the end is in sight of a reader. start, end: what stands above and below. label: its name.
 */
export function Log({ rows, label, name, divider, hasOlder, loading, onOlder, onRead, onRetry, onDiscard, start, end }) {
  const scroller = useRef(null);
  const scroll = useScroll(scroller, rows, { hasOlder, loading, onOlder, onRead });
  const spoken = useSpoken(rows, name);
  const lastOwn = rows.findLast((row) => row.type === 'message' && row.mine && row.state === 'sent');
  const newest = rows.at(-1);
  const lines = useMemo(() => rows.map(line), [rows, name, divider]);

  function line(row) {
    if (row.type === 'day') return html`<li key=${row.key} class="divider day"><span>${dayName(row.at)}</span></li>`;
    if (row.type === 'request') {
      const text = divider(row);
      return text && html`<li key=${row.key} class="divider request"><span>${text}</span></li>`;
    }
    return html`<${Message} key=${row.key} row=${row} author=${name(row)} last=${row === lastOwn && row === newest}
      onRetry=${onRetry} onDiscard=${onDiscard} />`;
  }

  return html`<div class="log-frame">
    <div class="log" ref=${scroller} role="log" aria-live="off" aria-label=${label} tabindex="0" onScroll=${scroll.onScroll}>
      ${hasOlder ? html`<p class="log-note">${loading ? 'Loading earlier messages…' : html`<button type="button" class="link" onClick=${onOlder}>Earlier messages</button>`}</p>` : start}
      <ol class="rows">${lines}</ol>
      ${end}
    </div>
    ${scroll.away && html`<button type="button" class="pill" onClick=${scroll.toEnd}>
      <${Icon} name="down" />${scroll.below > 0 ? `${scroll.below} new ${scroll.below === 1 ? 'message' : 'messages'}` : 'Latest messages'}
    </button>`}
    <div class="visually-hidden" role="status" aria-live="polite">${spoken}</div>
  </div>`;
}

/* Where the reader is, is read while rendering, before the page changes; put right after it has, before it is painted. */
function useScroll(scroller, rows, { hasOlder, loading, onOlder, onRead }) {
  const atEnd = useRef(true);
  const before = useRef({ first: null, pending: null, seen: 0 });
  const [away, setAway] = useState(false);
  const messages = rows.filter((row) => row.type === 'message');
  const { scrollTop: top, scrollHeight: height } = scroller.current ?? { scrollTop: 0, scrollHeight: 0 };
  const first = messages[0]?.key ?? null;
  const pending = messages.at(-1)?.state === 'sending' ? messages.at(-1).key : null;
  const newest = messages.reduce((seq, row) => Math.max(seq, row.seq ?? 0), 0);
  if (atEnd.current) before.current.seen = newest;
  const below = messages.filter((row) => !row.mine && row.seq > before.current.seen).length;

  useLayoutEffect(() => {
    const box = scroller.current;
    const was = before.current;
    if (pending && pending !== was.pending) atEnd.current = true;
    if (atEnd.current) box.scrollTop = box.scrollHeight;
    else if (first !== was.first) box.scrollTop = top + box.scrollHeight - height;
    Object.assign(was, { first, pending });
    if (hasOlder && !loading && box.scrollTop < nearTop) onOlder();
    notice();
  });

  useEffect(() => {
    const box = scroller.current;
    const resized = new ResizeObserver(() => {
      if (atEnd.current) box.scrollTop = box.scrollHeight;
    });
    resized.observe(box);
    const back = () => notice();
    window.addEventListener('focus', back);
    document.addEventListener('visibilitychange', back);
    return () => {
      resized.disconnect();
      window.removeEventListener('focus', back);
      document.removeEventListener('visibilitychange', back);
    };
  }, []);

  function notice() {
    setAway(!atEnd.current);
    if (atEnd.current && document.visibilityState === 'visible') onRead();
  }

  function onScroll() {
    const box = scroller.current;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < nearEnd;
    if (hasOlder && !loading && box.scrollTop < nearTop) onOlder();
    notice();
  }

  function toEnd() {
    const box = scroller.current;
    atEnd.current = true;
    box.scrollTop = box.scrollHeight;
    box.focus({ preventScroll: true });
    notice();
  }

  return { away, below, onScroll, toEnd };
}

/* What others have written since the page has been open, for those who listen. */
function useSpoken(rows, name) {
  const heard = useRef(null);
  const theirs = rows.filter((row) => row.type === 'message' && !row.mine && row.seq);
  const newest = theirs.at(-1)?.seq ?? 0;
  const [spoken, setSpoken] = useState([]);
  useEffect(() => {
    if (heard.current === null) {
      if (rows.length > 0) heard.current = newest;
      return;
    }
    const fresh = theirs.filter((row) => row.seq > heard.current);
    if (fresh.length === 0) return;
    heard.current = newest;
    setSpoken(fresh);
  }, [newest, rows.length]);
  return html`<${Fragment}>${spoken.map((row) => html`<p key=${row.key}>${name(row)}: ${row.text}</p>`)}<//>`;
}
