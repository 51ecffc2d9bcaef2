/*
 * A fetch that has to succeed sooner or later.
 *
 * One at a time. Asked for while one is running, it runs once more after it: the running one may have read the table before
 * whatever made the caller ask. One that fails is repeated, with growing delay and the server's Retry-After, until it
 * works.
 */

const retryDelays = [500, 1000, 2000, 4000, 8000, 15000];

/*
 * fetch() -> promise. onChange() after each try; then `error` is that of the last try, `syncedAt` when one last succeeded.
 *
 *   retry()     the way may be free again: what has failed need not wait for its time, unless the server has named one
 *   resumed()   what a fetch would have found has come by itself; one that has failed may have had more to find
 */
export function createCatchUp({ fetch, onChange }) {
  let running = null;
  let again = false;
  let failures = 0;
  let timer = null;
  let closed = false;
  const catchUp = { error: null, syncedAt: null, now, retry, resumed, close };

  function now() {
    if (closed) return Promise.resolve();
    if (running) {
      again = true;
      return running;
    }
    clearTimeout(timer);
    running = run();
    return running;
  }

  async function run() {
    try {
      do {
        again = false;
        await fetchOnce();
        onChange();
      } while (again && !catchUp.error);
    } finally {
      running = null; // at once: who asks from here on is not told to wait for a run that is over
    }
  }

  async function fetchOnce() {
    try {
      await fetch();
      failures = 0;
      catchUp.error = null;
      catchUp.syncedAt = Date.now();
    } catch (error) {
      catchUp.error = error;
      retryLater(error);
    }
  }

  function retry() {
    if (catchUp.error && !catchUp.error.retryAfter) now();
  }

  function retryLater(error) {
    const delay = retryDelays[Math.min(failures++, retryDelays.length - 1)];
    if (!closed) timer = setTimeout(now, Math.max(delay, (error.retryAfter ?? 0) * 1000) * (0.75 + Math.random() / 2));
  }

  function resumed() {
    if (catchUp.error) return;
    catchUp.syncedAt = Date.now();
    onChange();
  }

  function close() {
    closed = true;
    clearTimeout(timer);
  }

  return catchUp;
}
