import { ask, routinePath } from './api.js';
import { h } from './dom.js';
import { clock } from './time.js';

// The steps of what plays, as a strip in time with a mark where it stands, and the one that is going on by index.
export function steps() {
  const head = h('div.head');
  const strip = h('div.strip', { 'aria-hidden': 'true' });
  let name = '';
  let list = [];
  let scale = 1;

  async function load(s) {
    if (s.routine === name) return;
    name = s.routine;
    list = [];
    strip.replaceChildren();
    if (!name) return;
    const asked = name;
    const r = await ask(routinePath(name)).catch(() => ({}));
    if (asked !== name) return;
    list = r.timeline || [];
    strip.replaceChildren(...list.map(block), head);
  }

  function block(step) {
    const el = h('i', { title: [clock(step.from_s), step.name, step.side].filter(Boolean).join(' ') });
    el.className = [step.breaths ? 'breathing' : '', step.side].filter(Boolean).join(' ');
    el.style.flexGrow = String(step.len_s);
    return el;
  }

  // current is the step of a state in the routine's own timeline: that of its name and side nearest to its position.
  function current(s) {
    const own = list.length ? list.at(-1).from_s + list.at(-1).len_s : 0;
    scale = own && s.length_s ? s.length_s / own : 1;
    let best = -1;
    list.forEach((step, i) => {
      const off = (j) => Math.abs(list[j].from_s * scale - s.position_s);
      if (step.name === s.step && (step.side || '') === (s.side || '') && (best < 0 || off(i) < off(best))) best = i;
    });
    [...strip.children].forEach((el, i) => el.classList.toggle('now', i === best));
    return list[best];
  }

  return {
    el: strip,
    load,
    current,
    length: (step) => (step ? step.len_s * scale : 0),
    move: (s, at) => (head.style.left = `${s.length_s ? (100 * at) / s.length_s : 0}%`),
  };
}
