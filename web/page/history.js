import { ask } from './api.js';
import { calendar } from './calendar.js';
import { h } from './dom.js';
import { dayText, hourText, minutes, shiftDay } from './time.js';
import { words } from './words.js';

// history shows what was done: the last week, and a calendar of which a day can be chosen.
export async function history(view) {
  let all;
  try {
    all = await ask('/api/history');
  } catch (e) {
    if (e.status !== 404) throw e;
    view.replaceChildren(h('h1', words.history), h('p.lead', words.noHistory), h('p.quiet', words.noHistoryHint));
    return;
  }
  const sum = all.summary;
  const today = sum.date;
  const week = Array.from({ length: 7 }, (_, i) => shiftDay(today, i - 6));
  const byDay = Object.fromEntries(all.days.map((d) => [d.date, d]));
  const { sessions } = await ask(`/api/history/sessions?from=${week[0]}&to=${today}`);
  const heading = h('h3');
  const list = h('ul.sessions');
  let asked = 0;

  async function choose(date) {
    const mine = ++asked;
    let found;
    try {
      found = await ask(`/api/history/sessions?from=${date}&to=${date}`);
    } catch (e) {
      found = { wrong: e.message };
    }
    if (mine !== asked) return;
    heading.textContent = dayText(date, { weekday: 'long', day: 'numeric', month: 'long' });
    list.replaceChildren(...(found.wrong ? [h('li.wrong', found.wrong)] : found.sessions.length ? found.sessions.map(session) : [h('li.quiet', words.nothingDone)]),
      ...(found.more ? [h('li.quiet', words.more(found.more))] : []));
  }

  view.replaceChildren(
    h('h1', words.history),
    h('p.lead', sum.sessions ? words.streak(sum.streak_days, sum.longest_streak_days) : words.nothingYet),
    h('div.past',
      h('div',
        h('section', h('h2', words.week), bars(week, byDay), h('p.facts', summed(sessions))),
        h('section', h('h2', words.inAll), h('p', words.sums(minutes(sum.total_min), sum.sessions, sum.breaths, sum.reps)))),
      h('section', h('h2', words.calendar), calendar(today, byDay, choose), h('div.day', { 'aria-live': 'polite' }, heading, list))),
    h('p.quiet', words.deleteHistory));
  await choose(today);
}

// bars is a chart of the minutes of some days, which is a table to a screen reader.
function bars(days, byDay) {
  const most = Math.max(1, ...days.map((d) => byDay[d]?.minutes || 0));
  return h('table.bars', h('caption.unseen', words.weekTable), h('tbody', ...days.map((date) => {
    const m = byDay[date]?.minutes || 0;
    const bar = h('i', { 'aria-hidden': 'true' });
    bar.style.width = `${(100 * m) / most}%`;
    bar.hidden = !byDay[date];
    return h('tr', h('th', { scope: 'row' }, dayText(date, { weekday: 'short', day: 'numeric' })), h('td', h('div', bar)), h('td', m ? words.min(minutes(m)) : byDay[date] ? words.min(0) : '–'));
  })));
}

// summed is what was done, by routine, that of most sessions first.
function summed(sessions) {
  const counts = {};
  for (const s of sessions) counts[s.title || s.routine] = (counts[s.title || s.routine] || 0) + 1;
  return Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([title, n]) => (n > 1 ? `${title} × ${n}` : title)).join(' · ');
}

// session is one session as an item of a list.
function session(s) {
  const facts = [words.heard(minutes(s.heard_s / 60)), s.breaths && words.breaths(s.breaths), s.reps && words.reps(s.reps)];
  const how = s.finished ? words.finishedIt : words.stoppedAt(s.reason, s.step, s.step_number, s.steps, words.sides[s.side]);
  return h('li.card',
    h('div.about',
      h('h4', h('a', { href: '#/routine/' + encodeURIComponent(s.routine) }, s.title || s.routine), h('span.quiet', ` ${hourText(s.started)}`)),
      h('p', facts.filter(Boolean).join(' · ')),
      h('p.facts', how, s.from ? ` · ${words.startedBy(s.from)}` : '')));
}
