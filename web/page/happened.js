import { ask } from './api.js';
import { h } from './dom.js';
import { news } from './player.js';
import { words } from './words.js';

// happened is a fold with the last commands, from wherever they came, the newest first. It is asked for while it is open.
export function happened() {
  const list = h('ol.commands');
  const fold = h('details.happened', h('summary', words.happened), list);
  let asked = 0;
  let timer = 0;

  async function show() {
    if (!fold.open) return;
    const mine = ++asked;
    const given = await ask('/api/commands').catch((e) => e);
    if (mine !== asked) return;
    if (given instanceof Error) list.replaceChildren(h('li.wrong', given.message));
    else list.replaceChildren(...(given.length ? given.reverse().map(command) : [h('li.quiet', words.nothingHappened)]));
  }

  fold.ontoggle = show;
  news.addEventListener('state', () => {
    clearTimeout(timer);
    timer = setTimeout(show, 300); // a command is listed just after what it changes is told
  });
  return fold;
}

const command = (c) => h('li',
  h('time', { dateTime: c.at }, new Date(c.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })),
  h('div', h('b', c.verb, c.routine ? ` ${c.routine}` : ''), h('p.facts', c.from), c.error && h('p.refused', c.error)));
