// Chance that can be repeated: everything random in a chaos run comes from one printed seed.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // mulberry32: 0 <= x < 1.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  // A whole number, both ends included.
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  // One of {name: weight}, the likelier the heavier.
  weighted(weights) {
    const entries = Object.entries(weights);
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    return (entries.find(([, weight]) => (at -= weight) < 0) || entries.at(-1))[0];
  }

  // A generator of its own, so that one actor's draws do not shift another's.
  fork() {
    return new Random(this.between(0, 0xffffffff));
  }
}
