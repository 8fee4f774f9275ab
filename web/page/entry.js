import { h } from './dom.js';
import { pick, startOptions } from './options.js';
import { player } from './player.js';
import { dayText } from './time.js';
import { words } from './words.js';

const names = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

// entrySheet asks for an entry of the schedule. w are its keys as they stand, days its days as the daemon writes
// them. save is given the keys, and what it fails with is shown; the sheet gives the name that it returns, or null where it
// is cancelled. What the sheet has no field for stays as it was.
export function entrySheet(name, w, days, save) {
  const dialog = document.getElementById('sheet');
  const input = (key, label, more = {}) => h('label', h('span', label), h('input', { type: 'text', name: key, value: String(w[key] ?? ''), autocomplete: 'off', ...more }));
  const check = (key, label, on) => h('label.check', h('input', { type: 'checkbox', name: key, checked: on }), h('span', label));
  const on = daySet(days);
  const wrong = h('p.wrong', { role: 'alert' });
  const kind = h('select', { name: 'kind' }, h('option', { value: 'at' }, words.atTimes), h('option', { value: 'every' }, words.everySo));
  kind.value = w.every ? 'every' : 'at';
  const at = h('div', h('label', h('span', words.times), h('input', { type: 'text', name: 'at', value: [w.at ?? '07:00'].flat().join(', '), inputMode: 'numeric', autocomplete: 'off' })));
  const every = h('div.two', input('every', words.every, { placeholder: '1h' }), input('between', words.between, { placeholder: '09:00-17:00' }));
  const show = () => {
    at.hidden = kind.value !== 'at';
    every.hidden = kind.value !== 'every';
  };
  kind.onchange = show;
  show();
  const when = w.when ?? {};
  const form = h('form',
    h('h2', { id: 'sheet-title' }, name ? words.changeOne(name) : words.newEntry),
    pick('routine', words.routine, words.chooseRoutine, player.info.routines.filter((r) => !r.error).map((r) => [r.name, r.title]), w.routine ?? ''),
    h('div.two', h('label', h('span', words.whenKind), kind), input('volume', words.volume, { type: 'number', min: 0, max: 100, placeholder: words.asSet })),
    at, every,
    h('fieldset.days', h('legend', words.days), ...names.map((day, i) => h('label.check', h('input', { type: 'checkbox', name: 'day', value: day, checked: on.has(day) }), h('span', dayText(`2024-01-0${i + 1}`, { weekday: 'short' }))))), // a Monday
    input('name', words.entryName, { placeholder: words.entryNameHint, maxLength: 60 }),
    h('details', h('summary', words.moreOptions), h('div.more',
      check('night', words.atNight, w.night === true), check('chime', words.chime, w.chime === true),
      pick('late', words.late, words.onTime, [['15m', words.minutes(15)], ['30m', words.minutes(30)], ['1h', words.hours(1)], ['2h', words.hours(2)]], w.late ?? ''),
      h('div.two',
        h('label', h('span', words.topic), h('input', { type: 'text', name: 'topic', value: when.topic ?? '', placeholder: 'home/anna', autocomplete: 'off', spellcheck: false, autocapitalize: 'off' })),
        h('label', h('span', words.says), h('input', { type: 'text', name: 'is', value: String(when.is ?? ''), placeholder: 'home', autocomplete: 'off', spellcheck: false, autocapitalize: 'off' }))),
      ...startOptions(w))),
    wrong,
    h('div.row', h('button.main', words.save), h('button', { type: 'button', onclick: () => dialog.close('') }, words.cancel)));
  form.noValidate = true; // the daemon checks, and says more
  dialog.replaceChildren(form);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    let busy = false;
    let saved = null;
    form.onsubmit = async (e) => {
      e.preventDefault();
      const table = read(new FormData(form), w);
      if (busy) return;
      if (!table) {
        wrong.textContent = words.noDay;
        return;
      }
      busy = true;
      try {
        saved = (await save(table)).saved;
        dialog.close('');
      } catch (why) {
        wrong.textContent = why.message;
        wrong.scrollIntoView({ block: 'nearest' });
      }
      busy = false;
    };
    dialog.onclose = () => dialog.open || resolve(saved);
  });
}

// read is what the fields say, over what stood there; null where no day is chosen.
function read(fields, before) {
  const table = { ...before };
  for (const key of ['at', 'every', 'between', 'days', 'when', 'night', 'chime', ...fields.keys()]) delete table[key];
  for (const [key, value] of fields) {
    const text = value.trim();
    if (text !== '' && !['kind', 'day', 'topic', 'is', 'night', 'chime', 'at', 'every', 'between', 'volume'].includes(key)) table[key] = text;
  }
  if (fields.get('volume') !== '') table.volume = Number(fields.get('volume'));
  if (fields.get('kind') === 'at') {
    const times = fields.get('at').split(/[\s,;]+/).filter(Boolean);
    table.at = times.length === 1 ? times[0] : times;
  } else {
    table.every = fields.get('every').trim();
    table.between = fields.get('between').trim();
  }
  const days = fields.getAll('day');
  if (!days.length) return null;
  if (days.length < 7) table.days = days.join(',');
  for (const key of ['night', 'chime']) if (fields.has(key)) table[key] = true;
  const topic = fields.get('topic').trim();
  const is = fields.get('is').trim();
  if (topic || is) table.when = { topic, is };
  return table;
}

// daySet are the days of a text such as "mon-wed,fri", or "daily".
function daySet(text) {
  if (text === 'daily') return new Set(names);
  return new Set(text.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map((day) => names.indexOf(day));
    return names.slice(from, to + 1);
  }));
}
