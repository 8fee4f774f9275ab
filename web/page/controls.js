import { h, icon, set } from './dom.js';
import { order, running, sounding } from './player.js';
import { words } from './words.js';

// controls are the verbs as buttons. A verb the player does not have is not shown.
export function controls() {
  const button = (verb, shape) => h(shape ? 'button.round' : 'button', { type: 'button', onclick: () => order(verb), 'data-verb': verb }, shape ? icon(shape) : '', h('span', words.verbs[verb]));
  const back = button('back', 'back');
  const next = button('next', 'next');
  const play = h('button.round.main', { type: 'button', 'data-verb': 'toggle' });
  const others = ['repeat', 'slower', 'faster', 'extend', 'stop'].map((v) => button(v));
  const volume = h('input', { type: 'range', min: 0, max: 100, step: 1, id: 'volume' });
  const loud = h('output', { htmlFor: 'volume' });
  const sayText = h('input', { type: 'text', 'aria-label': words.say, placeholder: words.say, maxLength: 300, autocomplete: 'off' });
  const sayForm = h('form.row', { hidden: true }, sayText, h('button', words.sayIt));
  const el = h('div.controls',
    h('div.row.transport', back, play, next), h('div.row.verbs', ...others),
    h('label.volume', h('span', words.volume), volume, loud), sayForm);
  let moved = 0;
  let asked = false;

  play.onclick = () => order(play.dataset.verb);
  sayForm.onsubmit = async (e) => {
    e.preventDefault();
    const said = sayText.value.trim();
    if (!said || sayForm.ariaBusy === 'true') return; // a second Enter says nothing twice
    sayForm.ariaBusy = 'true';
    if ((await order('say', { text: said })) && sayText.value.trim() === said) sayText.value = '';
    sayForm.ariaBusy = 'false';
  };

  // One volume at a time is on its way; the last one wins.
  volume.oninput = async () => {
    loud.value = volume.value;
    moved = Date.now();
    if (asked) return;
    asked = true;
    for (let sent = null; sent !== volume.value; ) await order('volume', { volume: Number((sent = volume.value)) });
    asked = false;
  };

  return {
    el,
    state(s) {
      const on = running(s);
      const paused = s.state === 'paused';
      el.classList.toggle('off', !on);
      for (const b of [back, play, next, ...others]) b.disabled = !on;
      const verb = paused ? 'resume' : 'pause';
      if (play.dataset.verb !== verb) {
        set(play, { 'data-verb': verb });
        play.replaceChildren(icon(paused ? 'play' : 'pause'), h('span', words.verbs[verb]));
      }
      play.disabled = !on || !(paused || sounding(s) || s.state === 'preparing');
      if (!asked && Date.now() - moved > 500) volume.value = loud.value = s.volume;
    },
    info({ verbs }) {
      for (const b of [back, next, ...others]) b.hidden = !verbs.includes(b.dataset.verb);
      sayForm.hidden = !verbs.includes('say');
    },
  };
}
