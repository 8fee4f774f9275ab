import { h } from './dom.js';
import { order, player, running } from './player.js';
import { words } from './words.js';

// keys makes the page work without a pointer. A key belongs to what has the focus first: letters to a text, the space
// bar to a button.
export function keys(listen) {
  const help = document.getElementById('help');
  help.replaceChildren(
    h('h2', { id: 'help-title' }, words.help), h('p', words.helpText),
    h('dl', ...words.keys.flatMap(([key, what]) => [h('dt', h('kbd', key)), h('dd', what)])),
    h('form', { method: 'dialog' }, h('button.main', { autofocus: true }, words.close)));
  document.getElementById('help-open').onclick = () => help.showModal();

  const verbs = { n: 'next', b: 'back', r: 'repeat' };
  addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || document.querySelector('dialog[open]')) return;
    if (e.target.closest('input, textarea, select, audio')) return;
    const key = e.key.toLowerCase();
    if (key === ' ' && e.target.closest('button, a, summary')) return;
    const s = player.state;
    if (key === ' ' && running(s)) order(s.state === 'paused' ? 'resume' : 'pause');
    else if (verbs[key] && running(s)) order(verbs[key]);
    else if (key === 'l') listen();
    else if (key === '?') help.showModal();
    else if (key === '/') document.querySelector('.search')?.focus();
    else return;
    e.preventDefault();
  });
}
