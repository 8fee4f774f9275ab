import { ask } from './api.js';
import { notice } from './notice.js';
import { serverNow } from './time.js';

// What is known of the player, as it was told last.
export const player = { state: { state: 'idle', volume: 0, steps: 0 }, info: { verbs: [], routines: [] } };

// news tells the views that what is known is new, by the events state and info.
export const news = new EventTarget();

// order asks the player for a verb. What it refuses is shown as its own sentence; true when it was done.
export async function order(verb, body = {}) {
  try {
    await ask('/api/' + verb, body);
    return true;
  } catch (e) {
    notice(e.message);
    return false;
  }
}

export const running = (s) => ['preparing', 'playing', 'paused', 'waiting'].includes(s.state) || (s.state === 'problem' && s.steps > 0);
export const sounding = (s) => s.state === 'playing' || s.state === 'waiting';

// position is where the routine stands in seconds, lag ms ago. A step that waits has no end; its time stands.
export function position(s, lag = 0) {
  if (s.ends_at) return clamp(s.length_s - (Date.parse(s.ends_at) - serverNow() + lag) / 1000, s.length_s);
  return s.position_s || 0;
}

// stepLeft is how many seconds of the step are left, or null where nobody knows.
export function stepLeft(s, lag = 0) {
  return s.step_ends_at ? Math.max(0, (Date.parse(s.step_ends_at) - serverNow() + lag) / 1000) : null;
}

const clamp = (x, most) => Math.min(most, Math.max(0, x));
