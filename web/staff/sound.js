/*
 * Two short tones, made here: no file to load, and nothing that a strict policy would refuse.
 *
 * Browsers keep a page silent until its first click or key. So the first of them wakes the sound up, and the test button does
 * too.
 */

const tones = {
  chat: [[659.25, 0], [880, 0.14]],
  message: [[587.33, 0]],
};

let context = null;

function audio() {
  context ??= new AudioContext();
  return context;
}

function wakeUp() {
  if (audio().state === 'suspended') audio().resume();
}

for (const gesture of ['pointerdown', 'keydown']) window.addEventListener(gesture, wakeUp, { once: true, capture: true });

/* kind: 'chat' or 'message'. */
export function play(kind) {
  const out = audio();
  if (out.state !== 'running') return;
  for (const [frequency, after] of tones[kind]) tone(out, frequency, out.currentTime + after);
}

/* From a click: the sound is heard in any case. */
export async function test() {
  await audio().resume();
  play('chat');
}

function tone(out, frequency, at) {
  const oscillator = new OscillatorNode(out, { type: 'sine', frequency });
  const gain = new GainNode(out, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.22, at + 0.012);
  gain.gain.exponentialRampToValueAtTime(0.0008, at + 0.5);
  oscillator.connect(gain).connect(out.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.55);
}
