import { ask } from './api.js';
import { entrySheet } from './entry.js';
import { h } from './dom.js';
import { notice } from './notice.js';
import { news, player } from './player.js';
import { dayText, hourText } from './time.js';
import { words } from './words.js';

const entriesPath = '/api/schedule/entries';
const entryPath = (name) => entriesPath + '/' + encodeURIComponent(name);

// schedule shows what starts by itself in the coming week, and its entries, which can be switched, and made and changed
// where they are the daemon's own.
export async function schedule(view) {
  const trouble = h('div.troubles');
  const whole = toggle(words.scheduleOn, 'whole', (on) => give('schedule', { switch: on ? 'on' : 'off' }));
  const week = h('div.week');
  const list = h('ul.entries');
  let known = '';
  let asked = 0;
  let left = false;

  const seen = () => JSON.stringify([player.state.next_run, player.state.schedule, player.state.schedule_off, player.info.schedule]);

  async function load() {
    const mine = ++asked;
    known = seen();
    const v = await ask('/api/schedule');
    if (mine !== asked || left) return;
    show(v);
  }

  function show(v) {
    const focused = document.activeElement?.dataset.key;
    trouble.replaceChildren(...(v.clock_trusted ? [] : [h('p.wrong', words.clockUntrusted)]), ...v.problems.map((p) => h('p.wrong', p)));
    whole.turn(!v.off);
    const days = [...new Set(v.week.map((r) => r.at.slice(0, 10)))];
    week.replaceChildren(...days.flatMap((date) => [h('h3', dayText(date, { weekday: 'long', day: 'numeric', month: 'long' })), h('ul.runs', ...v.week.filter((r) => r.at.startsWith(date)).map(run))]),
      ...(v.week.length ? [] : [h('p.quiet', words.nothingPlanned)]), ...(v.more ? [h('p.quiet', words.more(v.more))] : []));
    list.replaceChildren(...v.entries.map(entry));
    if (focused) view.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  // give gives a command of the schedule, and says what it has done.
  async function give(verb, body = {}) {
    try {
      const answer = await ask('/api/' + verb, body);
      if (answer.note) notice(answer.note);
    } catch (e) {
      notice(e.message);
    }
    await load().catch((e) => notice(e.message));
  }

  function entry(e) {
    const on = toggle(words.entryOn(e.name), 'switch ' + e.name, (to) => give('schedule', { switch: to ? 'on' : 'off', entry: e.name }));
    on.turn(!e.off);
    return h('li.card.entry',
      h('div.about',
        h('h3', e.name),
        h('p', `${routineTitle(e.routine)}, ${e.times}`),
        e.when && h('p', words.onlyWhile(e.when)),
        h('p.facts', e.own ? words.madeHere(e.place) : words.inSettings(e.place)),
        e.own && h('div.row',
          h('button', { type: 'button', 'data-key': 'change ' + e.name, 'aria-label': `${words.changeEntry}: ${e.name}`, onclick: () => edit(e) }, words.changeEntry),
          h('button.danger', { type: 'button', 'data-key': 'remove ' + e.name, 'aria-label': `${words.remove}: ${e.name}`, onclick: () => remove(e) }, words.remove))),
      on.el);
  }

  async function edit(e) {
    const saved = await entrySheet(e?.name ?? '', e?.written ?? {}, e?.days ?? 'daily', (table) => (e ? ask(entryPath(e.name), table, 'PUT') : ask(entriesPath, table)));
    if (!saved) return;
    notice(words.savedEntry(saved));
    await load().catch((why) => notice(why.message));
  }

  async function remove(e) {
    if (!confirm(words.removeEntrySure(e.name))) return;
    try {
      await ask(entryPath(e.name), {}, 'DELETE');
      notice(words.removed(e.name));
    } catch (why) {
      notice(why.message);
    }
    await load().catch((why) => notice(why.message));
    add.focus();
  }

  const changed = () => known !== seen() && load().catch((e) => notice(e.message));
  const add = h('button.main', { type: 'button', onclick: () => edit(null) }, words.newEntry);
  try {
    await load();
  } catch (e) {
    if (e.status !== 404) throw e;
    view.replaceChildren(h('h1', words.schedule), h('p.lead', e.message));
    return;
  }
  view.replaceChildren(
    h('h1', words.schedule), trouble,
    h('div.row.planned', h('span', { 'aria-hidden': 'true' }, words.scheduleOn), whole.el,
      h('button', { type: 'button', onclick: () => give('skip_run') }, words.skipRun),
      h('button', { type: 'button', onclick: () => give('snooze') }, words.snooze)),
    h('section', h('h2', words.entries), list, h('div.row', add)),
    h('section', h('h2', words.comingWeek), week),
    h('p.quiet', words.scheduleHint));
  news.addEventListener('state', changed);
  news.addEventListener('info', changed);
  return () => {
    left = true;
    news.removeEventListener('state', changed);
    news.removeEventListener('info', changed);
  };
}

const routineTitle = (name) => player.info.routines.find((r) => r.name === name)?.title ?? name;

function run(r) {
  return h(r.why_not ? 'li.not' : 'li', h('time', hourText(r.at)), h('div', h('span', r.name), r.why_not && h('p', words.whyNot(r.why_not)), r.note && h('p', r.note)));
}

// toggle is a switch. turn shows how it stands.
function toggle(label, key, turned) {
  const el = h('button.switch', { type: 'button', role: 'switch', 'data-key': key, 'aria-label': label, onclick: () => turned(el.getAttribute('aria-checked') !== 'true') }, h('i', { 'aria-hidden': 'true' }));
  return { el, turn: (on) => el.setAttribute('aria-checked', String(on)) };
}
