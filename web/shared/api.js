/*
 * The HTTP API (docs/http.md) as promises, and its errors in words that a person can use.
 *
 * The token is in a cookie that scripts cannot read; X-Unichat-Role says which of two is meant, where a browser has both
 * portals open. A request that hangs is given up, so that whoever waits for it can try again.
 */

const timeoutMs = 15000;

/* transient: the same request may succeed later. retryAfter: in how many seconds, where the server said. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = 'network', field = null, owner = null, retryAfter = null, demo = false } = {}) {
    super(message);
    this.name = 'ApiError';
    Object.assign(this, { status, code, field, owner, retryAfter, demo });
    this.transient = status === 0 || status === 429 || status === 401 || status >= 500;
  }
}

/* base: the path that the portals' folders are in, with a slash at both ends. The Gate sets onUnauthenticated. */
export function createApi({ base, role }) {
  async function call(method, path, body) {
    const response = await fetchOrExplain(base + path, {
      method,
      headers: { 'X-Unichat-Role': role, Accept: 'application/json', ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 204) return null;
    const json = await response.json().catch(() => null);
    if (response.ok && json) return json;
    const error = explain(response, json);
    if (error.status === 401 && path !== 'session' && path !== 'session/demo') api.onUnauthenticated(error);
    throw error;
  }

  const api = {
    onUnauthenticated() {},
    session: () => call('GET', 'session'),
    signInDemo: (name, password) => call('POST', 'session/demo', { role, name, password }),
    signOut: () => call('DELETE', 'session'),
    send: (message) => call('POST', 'api/unified-chat/send', message),
    messages: (playerId, query) => call('GET', `api/unified-chat/messages?${new URLSearchParams({ playerId, ...query })}`),
    requests: (query = {}) => call('GET', `api/unified-chat/requests?${new URLSearchParams(query)}`),
    setStatus: (requestId, status) => call('POST', `api/unified-chat/status/${requestId}`, { status }),
    block: (playerId, blocked) => call('POST', `api/unified-chat/block?${new URLSearchParams({ playerId })}`, { blocked }),
    read: (playerId, seq) => call('POST', `api/unified-chat/read?${new URLSearchParams({ playerId })}`, { seq }),
  };
  return api;
}

async function fetchOrExplain(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    const slow = error.name === 'TimeoutError';
    throw new ApiError(slow ? 'The server did not answer in time.' : 'No connection to the server.');
  }
}

function explain(response, json) {
  const { code = 'unknown', message = '', field = null, owner = null } = json?.error ?? {};
  const header = response.headers.get('Retry-After');
  const retryAfter = header === null ? null : Number(header) || null;
  const text = words({ status: response.status, code, message, owner, retryAfter });
  return new ApiError(text, { status: response.status, code, field, owner, retryAfter, demo: json?.demo === true });
}

function words({ status, code, message, owner, retryAfter }) {
  if (status === 401) return 'You are signed out. Sign in again to go on.';
  if (status === 429) return retryAfter ? `Slow down: next try in ${retryAfter} s.` : 'Slow down a little.';
  if (status === 503) return 'The chat is briefly unavailable.';
  if (status >= 500) return 'Something went wrong on the server.';
  if (code === 'player_blocked') return 'You cannot write here at the moment.';
  if (code === 'claimed_by_other') return owner ? `${owner} has this chat.` : 'Someone else has this chat.';
  if (code === 'no_open_request') return 'This chat is resolved. The next message of the player opens a new one.';
  if (code === 'status_changed') return 'This chat has changed meanwhile.';
  if (code === 'too_large') return 'This message is too long.';
  return sentence(message) || `The server refused (${status}).`;
}

/* PostgreSQL's house style begins an error in lower case, names columns, and ends without a full stop. */
function sentence(message) {
  if (!message) return '';
  const named = message.replace(/\bmessage_text\b/, 'the message').replaceAll('_', ' ');
  const text = named[0].toUpperCase() + named.slice(1);
  return /[.!?]$/.test(text) ? text : text + '.';
}
