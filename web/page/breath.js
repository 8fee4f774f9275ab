// What the breath does at a time, from the phases as they are announced. Times are ms; levels are 0 (empty) to 1 (full).
const ends = { in: 1, move: 1, again: 1.08, out: 0, back: 0 };
const begins = { in: 0, move: 0, again: 1, out: 1, back: 1, hold: 1, wait: 0 };
const slack = 120; // two phases this close follow on each other

export class Breath {
  phases = []; // {phase, at, end, from, to, side}, in their order

  // add takes a phase of the wire. What was announced for later than it was never heard: the listener skipped.
  add({ phase, at, seconds, side }) {
    const start = typeof at === 'string' ? Date.parse(at) : at;
    this.phases = this.phases.filter((p) => p.at < start - 1);
    const last = this.phases.at(-1);
    const follows = last && Math.abs(start - last.end) < slack;
    const from = follows ? last.to : begins[phase] ?? 0;
    if (last) last.end = Math.min(last.end, start);
    this.phases.push({ phase, side, at: start, end: start + seconds * 1000, from, to: ends[phase] ?? from });
    if (this.phases.length > 4000) this.phases.shift();
  }

  // stop forgets what has not begun: the sound left.
  stop(now) {
    this.phases = this.phases.filter((p) => p.at <= now && p.end <= now);
  }

  // at is the phase of a moment, or null between breaths: {phase, level, count, side, key}. The count is that of the voice.
  at(now) {
    const p = this.phases.findLast((q) => q.at <= now);
    if (!p || now >= p.end) return null;
    const part = (now - p.at) / (p.end - p.at);
    const level = p.from + (p.to - p.from) * (0.5 - 0.5 * Math.cos(Math.PI * part));
    return { phase: p.phase, side: p.side, level, count: Math.floor((now - p.at) / 1000) + 1, key: p.at };
  }
}
