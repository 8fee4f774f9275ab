import { h, icon } from './dom.js';
import { dayText, minutes, shiftDay, weekday } from './time.js';
import { words } from './words.js';

const steps = [0, 10, 20, 40]; // minutes from which a mark is darker

// calendar is one month at a time, with a mark on each day with a session, the darker the more minutes. chosen is called
// with the day that is chosen. The arrow keys go from day to day, Page Up and Page Down from month to month.
export function calendar(today, byDay, chosen) {
  const earliest = shiftDay(today, -365).slice(0, 7);
  const title = h('h3', { 'aria-live': 'polite' });
  const body = h('tbody');
  const older = h('button.turn', { type: 'button', 'aria-label': words.monthBefore, onclick: () => turn(-1) }, icon('left'));
  const newer = h('button.turn', { type: 'button', 'aria-label': words.monthAfter, onclick: () => turn(1) }, icon('right'));
  const table = h('table', { onkeydown: move },
    h('caption.unseen', words.calendarTable),
    h('thead', h('tr', ...[0, 1, 2, 3, 4, 5, 6].map((i) => h('th', { scope: 'col', 'aria-label': dayText(`2024-01-0${i + 1}`, { weekday: 'long' }) }, dayText(`2024-01-0${i + 1}`, { weekday: 'short' }).slice(0, 2))))), // a Monday
    body);
  let at = today; // that the keys are on
  let picked = today;

  function day(date) {
    const d = byDay[date];
    const level = d ? steps.filter((from) => d.minutes >= from).length : 0;
    const name = dayText(date, { weekday: 'long', day: 'numeric', month: 'long' }) + ': ' + (d ? words.dayDone(minutes(d.minutes), d.sessions) : words.nothingDone);
    const button = h('button', { type: 'button', 'aria-label': name, 'aria-pressed': String(date === picked), 'data-date': date, tabIndex: date === at ? 0 : -1, disabled: date > today, onclick: () => pick(date) }, h('span', String(Number(date.slice(8)))));
    button.dataset.level = level;
    if (date === today) button.setAttribute('aria-current', 'date');
    return h('td', button);
  }

  function draw(focus) {
    const month = at.slice(0, 7);
    const first = month + '-01';
    title.textContent = dayText(first, { month: 'long', year: 'numeric' });
    const cells = Array.from({ length: weekday(first) }, () => h('td'));
    for (let date = first; date.startsWith(month); date = shiftDay(date, 1)) cells.push(day(date));
    while (cells.length % 7) cells.push(h('td'));
    body.replaceChildren(...Array.from({ length: cells.length / 7 }, (_, i) => h('tr', ...cells.slice(7 * i, 7 * i + 7))));
    older.disabled = month <= earliest;
    newer.disabled = month >= today.slice(0, 7);
    if (focus) body.querySelector(`[data-date="${at}"]`).focus();
  }

  function pick(date) {
    picked = at = date;
    draw(true);
    chosen(date);
  }

  // go moves to a day, as near as there is one.
  function go(date, focus) {
    at = date > today ? today : date.slice(0, 7) < earliest ? earliest + '-01' : date;
    draw(focus);
  }

  function turn(by, focus) {
    const [y, m, d] = at.split('-').map(Number);
    const last = new Date(Date.UTC(y, m + by, 0)).getUTCDate();
    go(new Date(Date.UTC(y, m - 1 + by, Math.min(d, last))).toISOString().slice(0, 10), focus);
  }

  function move(e) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, Home: -weekday(at), End: 6 - weekday(at) }[e.key];
    const months = { PageUp: -1, PageDown: 1 }[e.key];
    if (by === undefined && !months || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    if (months) turn(months, true);
    else go(shiftDay(at, by), true);
  }

  draw(false);
  const legend = h('p.legend', { 'aria-hidden': 'true' }, h('span', words.fewer), ...steps.map((_, i) => h('i', { 'data-level': i + 1 })), h('span', words.moreMinutes));
  return h('div.calendar', h('div.month', older, title, newer), table, legend);
}
