import { h, icon, text } from './dom.js';
import { order, running } from './player.js';
import { words } from './words.js';

// mini is the line at the foot of a narrow page, for as long as something plays elsewhere than before the eyes.
export function mini() {
  const bar = document.getElementById('mini');
  const title = h('b');
  const step = h('span');
  const button = h('button.go', { type: 'button' });
  bar.append(h('a', { href: '#/now' }, title, step), button);
  return (s) => {
    bar.hidden = !running(s);
    const verb = s.state === 'paused' ? 'resume' : s.state === 'waiting' ? 'next' : 'pause';
    text(title, s.title || '');
    text(step, s.state === 'playing' ? s.step || '' : words.states[s.state]);
    if (button.dataset.verb === verb) return;
    button.dataset.verb = verb;
    button.setAttribute('aria-label', words.verbs[verb]);
    button.replaceChildren(icon({ resume: 'play' }[verb] ?? verb));
    button.onclick = () => order(verb);
  };
}
