import { h, text } from './dom.js';
import { words } from './words.js';

const still = matchMedia('(prefers-reduced-motion: reduce)');
const resting = 0.3;

// The breathing circle. breath() gives what Breath.at gives; between breaths idle() gives the words in the middle,
// {word, count}, and ring() the part of the step that is over, 0 to 1, or null. It is a picture: what a screen
// reader needs to know stands beside it. It draws only while run is on, once a frame.
export function circle(breath, idle, ring) {
  const disc = h('div.disc');
  const word = h('div.word');
  const count = h('div.count');
  const arc = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  arc.setAttribute('viewBox', '0 0 100 100');
  const rings = ['track', 'done'].map((name) => {
    const c = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    for (const [k, v] of Object.entries({ class: name, cx: 50, cy: 50, r: 48.5, pathLength: 100 })) c.setAttribute(k, v);
    return c;
  });
  arc.append(...rings);
  const el = h('div.circle', { 'aria-hidden': 'true' }, arc, disc, h('div.inner', word, count));
  let frame = 0;
  let shown = null;
  let level = resting;

  function draw() {
    const b = breath();
    if (b?.key !== shown) {
      shown = b?.key;
      el.dataset.phase = b ? b.phase : '';
      el.dataset.at = b ? String(b.key) : '';
    }
    level = b ? b.level : level + (resting - level) * 0.06; // settles between breaths
    const size = still.matches ? 0.8 : 0.42 + 0.5 * level;
    disc.style.transform = `scale(${size.toFixed(4)})`;
    const middle = b ? { word: words.phases[b.phase] ?? b.phase, count: String(b.count) } : idle();
    text(word, middle.word);
    text(count, middle.count);
    const part = ring();
    el.classList.toggle('ringed', part !== null);
    if (part !== null) rings[1].style.strokeDashoffset = String(100 - 100 * Math.min(1, Math.max(0, part)));
  }

  function loop() {
    draw();
    frame = requestAnimationFrame(loop);
  }

  return {
    el,
    run(on) {
      if (on && !frame) loop();
      if (!on) {
        cancelAnimationFrame(frame);
        frame = 0;
        level = resting;
        draw();
      }
      el.classList.toggle('calm', !on);
    },
  };
}
