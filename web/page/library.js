import { ask } from './api.js';
import { h, icon, text } from './dom.js';
import { blank, choices, fits, span } from './filters.js';
import { clock } from './time.js';
import { order } from './player.js';
import { words } from './words.js';

const filter = blank(); // kept while other views are shown

// library shows the routines and what they can be narrowed by.
export async function library(view) {
  const { routines } = await ask('/api/routines');
  const count = h('p.count', { role: 'status' });
  const list = h('ul.routines');
  const search = h('input.search', { type: 'search', value: filter.search, placeholder: words.search, 'aria-label': words.search, autocomplete: 'off' });
  const selects = picks(routines, update);
  const clear = h('button', { type: 'button', onclick: () => reset() }, words.clear);
  const drawer = h('details.filters', h('summary', words.filters), h('div.picks', ...Object.values(selects).map((s) => s.parentElement)), clear);
  drawer.open = matchMedia('(min-width: 62rem)').matches || Object.entries(filter).some(([k, v]) => v && k !== 'search');

  function reset() {
    Object.assign(filter, blank());
    search.value = '';
    for (const s of Object.values(selects)) s.value = '';
    update();
    search.focus();
  }

  function update() {
    filter.search = search.value;
    for (const [key, s] of Object.entries(selects)) filter[key] = s.value;
    const found = routines.filter((r) => fits(r, filter));
    list.replaceChildren(...found.map(card));
    text(count, words.found(found.length));
    clear.hidden = !Object.values(filter).some(Boolean);
  }

  search.oninput = update;
  view.replaceChildren(h('h1', words.library), h('div.finder', search, drawer), count, list);
  update();
}

function picks(routines, update) {
  const can = choices(routines);
  const name = { equipment: (v) => v || words.none, length: (v) => (span(v)[1] < 60 ? words.upTo(span(v)[1]) : words.over(span(v)[0])) };
  return Object.fromEntries(['position', 'equipment', 'level', 'tag', 'length'].map((key) => {
    const options = can[key].map((v) => h('option', { value: v || '-' }, (name[key] || String)(v)));
    const select = h('select', { onchange: update }, h('option', { value: '' }, words.any), ...options);
    h('label', h('span', words[key]), select);
    select.value = filter[key];
    return [key, select];
  }));
}

function card(r) {
  const facts = [clock(r.length_s), ...(r.position || []), r.level, r.equipment?.length ? words.needs(r.equipment.join(', ')) : '', r.own ? words.own : ''];
  return h('li.card',
    h('div.about',
      h('h2', h('a', { href: '#/routine/' + encodeURIComponent(r.name) }, r.title)),
      r.error ? h('p.wrong', `${words.broken}: ${r.error}`) : h('p', r.about || ''),
      h('p.facts', facts.filter(Boolean).join(' · '))),
    !r.error && h('button.go', { type: 'button', 'aria-label': words.startOne(r.title), onclick: () => begin(r.name) }, icon('play')));
}

// begin starts a routine and goes to where it is shown.
export async function begin(routine, options = {}) {
  if (await order('start', { routine, ...options })) location.hash = '#/now';
}
