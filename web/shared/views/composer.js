/*
 * Where one writes. Enter sends, Shift+Enter makes a new line; the box grows with the text. The draft outlives a reload
 * (in sessionStorage), and the keyboard stays where it is after sending.
 */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../ui.js';
import { loadDraft, saveDraft } from '../draft.js';
import { characters, maxLength } from '../text.js';
import { Icon } from './icons.js';

const counterFrom = maxLength - 400;

/*
 * label: its name; placeholder; onSend(text); draftKey: this conversation's draft, draftTime: changes when that
 * is to be read anew; disabled: true while nothing can be sent;
 * children: further controls; focusKey: the box takes the focus whenever this changes to another value that is not null.
 */
export function Composer({ label, placeholder, onSend, draftKey, draftTime = 0, disabled = false, focusKey = null, children }) {
  const box = useRef(null);
  const [text, setText] = useState(() => loadDraft(draftKey));
  const length = characters(text);
  const tooLong = length > maxLength;
  const sendable = !disabled && !tooLong && text.trim() !== '';

  useLayoutEffect(() => setText(loadDraft(draftKey)), [draftKey, draftTime]);
  useEffect(() => {
    if (focusKey !== null) box.current?.focus({ preventScroll: true });
  }, [focusKey]);

  function change(value) {
    setText(value);
    saveDraft(draftKey, value);
  }

  function send() {
    if (!sendable) return;
    onSend(text.trim());
    change('');
    box.current.focus();
  }

  function onKeyDown(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  }

  return html`<form class="composer" onSubmit=${(event) => (event.preventDefault(), send())}>
    <div class="composer-box">
      <div class="grow" data-text=${text + ' '}>
        <textarea ref=${box} rows="1" aria-label=${label} placeholder=${placeholder} value=${text} disabled=${disabled}
          enterkeyhint="send" dir="auto" aria-invalid=${tooLong} aria-describedby="composer-counter"
          onInput=${(event) => change(event.currentTarget.value)} onKeyDown=${onKeyDown}></textarea>
      </div>
      <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled=${!sendable}
        onMouseDown=${(event) => event.preventDefault()}><${Icon} name="send" /></button>
    </div>
    <div class="composer-foot">
      ${children}
      <span id="composer-counter" class=${tooLong ? 'counter over' : 'counter'} aria-live="polite">${counter(length)}</span>
    </div>
  </form>`;
}

function counter(length) {
  if (length > maxLength) return `${(length - maxLength).toLocaleString()} characters too many`;
  return length > counterFrom ? `${(maxLength - length).toLocaleString()} characters left` : '';
}
