// Waiting for a condition instead of for a while.

export const DEADLINE_MS = Number(process.env.UNICHAT_DEADLINE_MS || 20000);

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Calls probe until it returns something truthy, which it returns. After deadline (ms) it throws, saying what was awaited
// and what probe said last. A probe that throws counts as "not yet".
export async function until(probe, what, deadline = DEADLINE_MS) {
  const end = Date.now() + deadline;
  let pause = 5;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) throw new Error(`waited ${deadline} ms for ${what}; last: ${describe(last)}`);
    await sleep(pause);
    pause = Math.min(pause * 2, 100);
  }
}

// Settles as promise does, or fails with what was awaited.
export function within(promise, what, deadline = DEADLINE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadline} ms for ${what}`)), deadline);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function describe(value) {
  if (value instanceof Error) return value.message;
  try { return JSON.stringify(value); } catch { return String(value); }
}
