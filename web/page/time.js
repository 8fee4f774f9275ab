// clock writes seconds as people do: 8:50.
export function clock(seconds) {
  const s = Math.max(0, Math.round(seconds));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

// The server's clock, in ms. A frame's way to us can only make the server's time look earlier than it is, so the
// latest-looking of the last few is the best one.
const offsets = [];

export function learn(now) {
  const offset = Date.parse(now) - Date.now();
  if (Number.isNaN(offset)) return;
  offsets.push(offset);
  if (offsets.length > 8) offsets.shift();
}

export function forgetClock() {
  offsets.length = 0;
}

export function serverNow() {
  return Date.now() + (offsets.length ? Math.max(...offsets) : 0);
}
