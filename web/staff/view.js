/*
 * The staff's page: the queue, the open chat, and beside it what is known of the player.
 */
import { html, useEffect, useMemo, useRef, useState } from '../shared/ui.js';
import { useStore } from '../shared/store.js';
import { ConnectionBanner } from '../shared/views/connection.js';
import { onChatEvent, startAlerts } from './alerts.js';
import { createDesk } from './desk.js';
import { listenToKeys, shortcuts } from './keys.js';
import { openRequest, sections } from './queue.js';
import { Chat } from './views/chat.js';
import { Details } from './views/details.js';
import { Header } from './views/header.js';
import { Queue } from './views/queue.js';

export function StaffPage({ api, base, session, resumed }) {
  const desk = useMemo(() => createDesk({ api, base, session, onEvent: onChatEvent }), []);
  const help = useRef(null);
  const state = useStore(desk.store);
  const lists = useMemo(() => sections(state.queue, desk.me, state.filter), [state.queue, state.filter]);
  const request = state.selected === null ? null : openRequest(state.queue, state.selected);
  const actions = useActions(desk, lists, help);

  useEffect(() => {
    const stopAlerts = startAlerts(desk);
    return () => {
      stopAlerts();
      desk.close();
    };
  }, []);
  useEffect(() => {
    if (resumed > 0) desk.resume();
  }, [resumed]);

  return html`<div class="staff" data-view=${state.selected === null ? 'queue' : 'chat'}>
    <a class="skip" href="#chat">Skip to the chat</a>
    <${Header} api=${api} session=${session} connection=${state.connection} syncedAt=${desk.list.syncedAt} onHelp=${actions.help} />
    <${ConnectionBanner} connection=${state.connection} error=${desk.list.error} syncedAt=${desk.list.syncedAt} />
    <div class="columns">
      <${Queue} desk=${desk} lists=${lists} state=${state} />
      <main class="chat-main" id="chat" tabindex="-1"><${Chat} desk=${desk} state=${state} request=${request} actions=${actions} /></main>
      ${state.selected !== null && html`<${Details} playerId=${state.selected} history=${state.histories[state.selected] ?? []}
        name=${desk.thread(state.selected).conversation.playerName || request?.playerName || state.selected} />`}
    </div>
    <div class="notice-region" role="alert">${state.notice && html`<p class="notice">${state.notice.text}</p>`}</div>
    <${NewChats} queue=${state.queue} />
    <${Help} dialog=${help} />
  </div>`;
}

/* What keys and buttons do to the open chat. It reads the state when it is used, so it stays the same object. */
function useActions(desk, lists, help) {
  const latest = useRef(lists);
  latest.current = lists;
  const actions = useMemo(() => {
    const onOpen = (action) => () => {
      const { queue, selected } = desk.store.get();
      const request = selected === null ? null : openRequest(queue, selected);
      if (request) action(request);
    };
    return {
      claim: onOpen(desk.claim),
      release: onOpen(desk.release),
      resolve: onOpen(desk.resolve),
      openWaiting() {
        const [first] = latest.current.waiting;
        if (first) desk.select(first.playerId);
      },
      step(by) {
        const { waiting, mine, others } = latest.current;
        const order = [...waiting, ...mine, ...others].map((row) => row.playerId);
        const at = order.indexOf(desk.store.get().selected);
        if (order.length > 0) desk.select(order[at === -1 ? (by > 0 ? 0 : order.length - 1) : (at + by + order.length) % order.length]);
      },
      filter: () => document.getElementById('filter').focus(),
      help: () => help.current.showModal(),
    };
  }, []);
  useEffect(() => listenToKeys(actions), []);
  return actions;
}

/* New chats, for those who listen. */
function NewChats({ queue }) {
  const [spoken, setSpoken] = useState('');
  const known = useRef(new Set());
  useEffect(() => {
    const added = Object.keys(queue.fresh).filter((id) => !known.current.has(id));
    known.current = new Set(Object.keys(queue.fresh));
    if (added.length === 0) return;
    setSpoken(added.map((id) => `New chat from ${queue.requests[id].playerName || queue.requests[id].playerId}`).join('. '));
  }, [queue.fresh]);
  return html`<div class="visually-hidden" role="status" aria-live="assertive">${spoken}</div>`;
}

function Help({ dialog }) {
  return html`<dialog class="help" ref=${dialog} aria-labelledby="help-title">
    <h2 id="help-title">Keyboard</h2>
    <dl>${shortcuts.map(({ keys, does }) => html`<div key=${keys}><dt><kbd>${keys}</kbd></dt><dd>${does}</dd></div>`)}
      <div><dt><kbd>Enter</kbd></dt><dd>Send</dd></div><div><dt><kbd>Shift+Enter</kbd></dt><dd>New line</dd></div></dl>
    <form method="dialog"><button class="button primary">Close</button></form>
  </dialog>`;
}
