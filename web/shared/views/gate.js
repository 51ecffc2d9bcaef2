/*
 * Who is there. Before the portal: the session is asked for, and where there is none, the demo's sign-in or a word on the
 * app's own login. In the middle of it: a session that ran out is renewed in a dialog over the page, which stays as it is.
 */
import { html, useEffect, useRef, useState } from '../ui.js';
import { Mark } from './icons.js';

const others = { player: 'staff', staff: 'player' };

/*
 * children: (session, resumed) -> the portal; resumed counts renewals. heading: over the sign-in. api.onUnauthenticated is
 * set here.
 */
export function Gate({ api, role, heading, children }) {
  const [state, setState] = useState({ phase: 'loading', session: null, demo: false, error: null, resumed: 0 });

  async function check() {
    try {
      enter(await api.session());
    } catch (error) {
      setState((old) => ({ ...old, ...refused(error, old.session) }));
    }
  }

  function enter(session) {
    if (session.role !== role) return setState((old) => ({ ...old, phase: 'role', demo: session.demo }));
    setState((old) => {
      if (old.session && old.session.sub !== session.sub) location.reload();
      return { phase: 'ready', session, demo: session.demo, error: null, resumed: old.resumed + (old.session ? 1 : 0) };
    });
  }

  useEffect(() => {
    api.onUnauthenticated = check;
    check();
  }, []);

  async function signIn(name, password) {
    await api.signInDemo(name, password);
    await check();
  }

  if (state.phase === 'ready') return children(state.session, state.resumed);
  const form = html`<${SignIn} state=${state} role=${role} heading=${heading} onSignIn=${signIn} onRetry=${check} />`;
  return html`${state.session && children(state.session, state.resumed)}<${Cover} over=${state.session !== null}>${form}<//>`;
}

function refused(error, session) {
  if (error.status === 401) return { phase: 'sign-in', demo: error.demo, error: null };
  return session ? {} : { phase: 'error', error };
}

function Cover({ over, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    if (over) dialog.current.showModal();
  }, [over]);
  if (over) return html`<dialog class="gate-dialog" ref=${dialog} aria-label="Sign in" onCancel=${(event) => event.preventDefault()}>${children}</dialog>`;
  return html`<main class="gate" id="main">${children}</main>`;
}

function SignIn({ state, role, heading, onSignIn, onRetry }) {
  if (state.phase === 'loading') return html`<p class="gate-note" role="status">Loading…</p>`;
  return html`<section class="gate-card">
    <${Mark} />
    <h1>${state.session ? 'Your session has ended' : heading}</h1>
    ${state.phase === 'error' && html`<p role="alert">${state.error.message}</p><button type="button" class="button primary" onClick=${onRetry}>Try again</button>`}
    ${state.phase === 'role' && html`<p>You are signed in as ${others[role]}; this page is for ${role === 'staff' ? 'the staff' : 'players'}.</p>`}
    ${state.phase !== 'error' && (state.demo ? html`<${DemoForm} role=${role} onSignIn=${onSignIn} />` : html`<${AppLogin} onRetry=${onRetry} />`)}
  </section>`;
}

function DemoForm({ role, onSignIn }) {
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setFailed(null);
    try {
      await onSignIn(fields.get('name').trim(), fields.get('password'));
    } catch (error) {
      setFailed(error.status === 401 || error.status === 403 ? 'The password is not right.' : error.message);
      setBusy(false);
    }
  }

  return html`<form class="gate-form" onSubmit=${submit}>
    <p class="gate-note">This is a demo: any name will do.</p>
    <label>Name<input name="name" required maxlength="64" autocomplete="username" autofocus placeholder=${role === 'staff' ? 'Alex' : 'Ann'} /></label>
    <label>Password<input name="password" type="password" required autocomplete="current-password" /></label>
    ${failed && html`<p class="form-error" role="alert">${failed}</p>`}
    <button class="button primary" disabled=${busy}>${busy ? 'Signing in…' : 'Sign in'}</button>
  </form>`;
}

function AppLogin({ onRetry }) {
  return html`<p>Sign in to the app that you came from, and come back: it tells this page who you are.</p>
    <p class="gate-note">For developers: post the app's token to <code>/session</code>, which keeps it in a cookie.</p>
    <button type="button" class="button" onClick=${onRetry}>I have signed in</button>`;
}
