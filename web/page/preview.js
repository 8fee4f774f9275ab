import { h, say, text } from './dom.js';
import { clock } from './time.js';
import { words } from './words.js';

// preview shows what a check found: the problems, each leading to its line, or the routine to the eye and to the ear.
export function preview(goTo) {
  const verdict = h('p.verdict');
  const problems = h('ul.problems');
  const picture = h('div.picture');
  const audio = h('audio', { controls: true, preload: 'none', 'aria-label': words.preview });
  audio.hidden = true;
  const noted = h('ul.problems');
  const summary = h('span');
  const drawer = h('details.notes', h('summary', summary), noted);
  drawer.hidden = true;
  let heard = '';

  function show({ problems: wrong = [], notes = [], length_s, svg, preview: wav }) {
    const sentence = wrong.length ? words.problems(wrong.length) : words.fine(clock(length_s));
    if (verdict.textContent !== sentence) say(sentence);
    text(verdict, sentence);
    verdict.className = wrong.length ? 'verdict wrong' : 'verdict fine';
    problems.replaceChildren(...wrong.map(problem));
    noted.replaceChildren(...notes.map(problem));
    text(summary, words.notes(notes.length));
    drawer.hidden = !notes.length;
    if (svg) picture.replaceChildren(drawn(svg));
    picture.classList.toggle('stale', !svg);
    audio.hidden = !wav;
    if (wav && wav !== heard) audio.src = heard = wav;
  }

  const problem = (p) => h('li', h('button', { type: 'button', disabled: !p.line, onclick: () => goTo(p.line) },
    h('b', [p.line ? words.line(p.line) : '', p.step].filter(Boolean).join(', ')), h('span', p.what), p.hint && h('em', p.hint)));

  return {
    el: h('div.preview', verdict, problems, picture, audio, drawer),
    show,
    wait: () => verdict.classList.add('stale'),
    fail(sentence) {
      text(verdict, sentence);
      verdict.className = 'verdict wrong';
    },
    close() {
      audio.pause();
      audio.removeAttribute('src');
    },
  };
}

// drawn is the picture as an element. Its own style sheet, for where it stands alone, is left out: picture.css has it.
function drawn(svg) {
  const bare = svg.replace(/<style>[^]*?<\/style>/, '');
  return document.adoptNode(new DOMParser().parseFromString(bare, 'image/svg+xml').documentElement);
}
