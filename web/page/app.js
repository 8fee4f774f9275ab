import { editor } from './editor.js';
import { feed } from './feed.js';
import { h } from './dom.js';
import { history } from './history.js';
import { keys } from './keys.js';
import { library } from './library.js';
import { mini } from './mini.js';
import { notice, noticeWhile } from './notice.js';
import { now } from './now.js';
import { offer } from './offer.js';
import { news, player } from './player.js';
import { routine } from './routine.js';
import { schedule } from './schedule.js';
import { words } from './words.js';

// The table of contents of the page: its words, its views by address, and the player's news to who shows them.
const view = document.getElementById('view');
const main = document.getElementById('main');

for (const el of document.querySelectorAll('[data-word]')) el.textContent = words[el.dataset.word];
for (const el of document.querySelectorAll('[data-label]')) el.setAttribute('aria-label', words[el.dataset.label]);
document.querySelector('.skip').onclick = (e) => {
  e.preventDefault(); // the address is the view's
  main.focus();
};

const playing = now(document.getElementById('now'));
const foot = mini();
const lost = offer();
keys(playing.listen);

let leave = () => {};
let turn = 0;
let first = true;

// decoded is a part of an address; one that nobody can read stays as it is.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function show() {
  const mine = ++turn;
  const [, kind = '', name = ''] = location.hash.split('/').map(decoded);
  const pages = { '': library, now: library, routine, schedule, history, edit: editor };
  document.body.dataset.view = kind === '' ? 'library' : pages[kind] ? kind : 'library';
  for (const a of document.querySelectorAll('nav a')) {
    if (a.hash === '#/' + kind) a.setAttribute('aria-current', 'page');
    else a.removeAttribute('aria-current');
  }
  leave();
  leave = () => {};
  const place = h('div');
  try {
    const done = await (pages[kind] || library)(place, name);
    if (mine !== turn) return done?.();
    leave = done || leave;
  } catch (e) {
    place.replaceChildren(h('h1', words.states.problem), h('p.wrong', e.message));
  }
  if (mine !== turn) return;
  view.replaceChildren(place);
  const heading = kind === 'now' ? words.playing : place.querySelector('h1')?.textContent;
  document.title = heading ? `${heading} · guided` : 'guided';
  if (!first) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  first = false;
}

let timer = 0;
function link(up) {
  clearTimeout(timer);
  document.body.classList.toggle('apart', !up);
  if (up) noticeWhile('');
  else timer = setTimeout(() => noticeWhile(words.reconnecting), 800);
}

let known = ''; // the routines, as they were told last
feed((kind, value) => {
  if (kind === 'state') {
    const before = player.state;
    player.state = value;
    playing.state(value, before);
    foot(value);
    lost(value);
    news.dispatchEvent(new Event('state'));
  }
  if (kind === 'phase') playing.phase(value);
  if (kind === 'event' && value.event_type === 'routine_finished') notice(words.finished(value.title));
  if (kind === 'info') {
    player.info = value;
    playing.info(value);
    const names = JSON.stringify(value.routines);
    if (known && known !== names && ['library', 'now'].includes(document.body.dataset.view)) show();
    known = names;
    news.dispatchEvent(new Event('info'));
  }
}, link);
addEventListener('hashchange', () => {
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close(''); // it belongs to the view that is left
  show();
});
show();
