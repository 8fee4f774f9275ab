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

// Days are texts, such as 2026-11-28, in the time zone of the daemon, which may not be that of the browser.
const utc = (date) => new Date(date + 'T00:00:00Z');

export const shiftDay = (date, by) => new Date(utc(date).getTime() + by * 86400000).toISOString().slice(0, 10);

// weekday is 0 on Mondays.
export const weekday = (date) => (utc(date).getUTCDay() + 6) % 7;

export const dayText = (date, parts) => utc(date).toLocaleDateString([], { ...parts, timeZone: 'UTC' });

// hourText is the time of day of a timestamp as the daemon wrote it.
export const hourText = (timestamp) => timestamp.slice(11, 16);

// minutes writes minutes with a tenth where there are few.
export const minutes = (m) => (m < 10 ? Math.round(m * 10) / 10 : Math.round(m));
