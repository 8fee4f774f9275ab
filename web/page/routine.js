import { ask, query, routinePath } from './api.js';
import { Breath } from './breath.js';
import { circle } from './circle.js';
import { h } from './dom.js';
import { begin } from './library.js';
import { notice } from './notice.js';
import { sheet } from './sheet.js';
import { clock } from './time.js';
import { words } from './words.js';

// routine shows one routine: what it is, what to mind, its timeline, and how to hear it.
export async function routine(view, name) {
  const [r, all] = await Promise.all([ask(routinePath(name)), ask('/api/routines')]);
  const file = all.routines.find((one) => one.name === name) || {};
  let options = {};
  const facts = [clock(r.length_s), ...(r.position || []), r.level, r.equipment?.length ? words.needs(r.equipment.join(', ')) : '', r.own ? words.own : ''];
  const picture = h('img.picture', { alt: words.pictureOf(r.title), decoding: 'async' });
  const here = h('div.here');
  let closeHere = () => {};

  function show() {
    const { until, ...drawn } = options; // how long it is until then depends on when it starts
    picture.src = '/api/timeline/' + encodeURIComponent(name) + '.svg' + query(drawn);
    closeHere();
    closeHere = hear(here, file.wav, name, drawn);
  }

  async function adjust() {
    const chosen = await sheet(r.title, options);
    if (!chosen) return;
    if (JSON.stringify(chosen.options) !== JSON.stringify(options)) {
      options = chosen.options;
      show();
    }
    if (chosen.start) begin(name, options);
  }

  view.replaceChildren(...[
    h('h1', r.title),
    h('p.lead', r.about || ''),
    h('p.facts', facts.filter(Boolean).join(' · ')),
    r.error ? h('p.wrong', `${words.broken}: ${r.error}`) : h('div.row',
      h('button.main', { type: 'button', onclick: () => begin(name, options) }, words.start),
      h('button', { type: 'button', onclick: adjust }, words.adjust)),
    r.cautions?.length && h('section.cautions', h('h2', words.cautions), h('ul', ...r.cautions.map((c) => h('li', c)))),
    !r.error && h('section', h('h2', words.picture), picture),
    !r.error && h('section', h('h2', words.here), here),
    h('div.row',
      h('a.button', { href: '#/edit/' + encodeURIComponent(name) }, r.own ? words.change : words.copy),
      file.flac && h('a.button', { href: file.flac, download: name + '.flac' }, words.download)),
  ].filter(Boolean));
  if (!r.error) {
    picture.onerror = () => (picture.hidden = true);
    show();
  }
  return () => closeHere();
}

// hear plays the routine's file in the browser, with a circle that follows it wherever it is moved to.
function hear(place, wav, name, options) {
  if (!wav) return () => {};
  const breath = new Breath();
  const audio = h('audio', { controls: true, preload: 'none', src: wav + query(options), 'aria-label': words.here });
  const c = circle(() => breath.at(audio.currentTime * 1000), () => ({ word: '', count: '' }), () => null);
  c.el.hidden = true;
  place.replaceChildren(c.el, audio);
  audio.onplay = async () => {
    c.run(true);
    if (breath.phases.length) return;
    const breaths = await ask(routinePath(name) + '/breaths' + query(options)).catch((e) => (notice(e.message), []));
    for (const b of breaths) for (const p of b.phases) breath.add({ phase: p.name, at: p.at_s * 1000, seconds: p.len_s });
    c.el.hidden = !breath.phases.length;
  };
  audio.onpause = () => c.run(false);
  audio.onerror = () => audio.currentSrc && notice(words.cannotListen);
  return () => {
    c.run(false);
    audio.pause();
    audio.removeAttribute('src');
    audio.load();
  };
}
