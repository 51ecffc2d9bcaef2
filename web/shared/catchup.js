/*
 * A fetch that has to succeed sooner or later.
 *
 * One at a time. Asked for while one is running, it runs once more after it: the running one may have read the table before
 * whatever made the caller ask. One that fails is repeated, with growing delay and the server's Retry-After, until it
 * works.
 */

const retryDelays = [500, 1000, 2000, 4000, 8000, 15000];

/* fetch() -> promise. onChange() after each try; then `error` is that of the last try, `syncedAt` when one last succeeded. */
export function createCatchUp({ fetch, onChange }) {
  let running = null;
  let again = false;
  let failures = 0;
  let timer = null;
  let closed = false;
  const catchUp = { error: null, syncedAt: null, now, resumed, close };

  function now() {
    if (closed) return Promise.resolve();
    if (running) {
      again = true;
      return running;
    }
    clearTimeout(timer);
    running = run().finally(() => (running = null));
    return running;
  }

  async function run() {
    do {
      again = false;
      try {
        await fetch();
        failures = 0;
        catchUp.error = null;
        catchUp.syncedAt = Date.now();
      } catch (error) {
        catchUp.error = error;
        retryLater(error);
      }
      onChange();
    } while (again && !catchUp.error);
  }

  function retryLater(error) {
    const delay = retryDelays[Math.min(failures++, retryDelays.length - 1)];
    if (!closed) timer = setTimeout(now, Math.max(delay, (error.retryAfter ?? 0) * 1000) * (0.75 + Math.random() / 2));
  }

  /* What a fetch would have found has come by itself. */
  function resumed() {
    catchUp.syncedAt = Date.now();
    onChange();
  }

  function close() {
    closed = true;
    clearTimeout(timer);
  }

  return catchUp;
}
