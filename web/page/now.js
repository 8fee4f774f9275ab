import { Breath } from './breath.js';
import { circle } from './circle.js';
import { controls } from './controls.js';
import { h, say, text } from './dom.js';
import { happened } from './happened.js';
import { listen } from './listen.js';
import { order, player, position, running, sounding, stepLeft } from './player.js';
import { steps } from './steps.js';
import { clock, serverNow } from './time.js';
import { words } from './words.js';

// now shows what plays: the breath as it is heard, where the routine stands, and every verb.
export function now(section) {
  const breath = new Breath();
  const line = steps();
  const title = h('h2');
  const place = h('p.place');
  const step = h('p.step');
  const then = h('p.then');
  const trouble = h('p.wrong', { role: 'alert' });
  const times = h('p.times', h('span'), h('span'));
  const listenLine = h('p.quiet');
  const listenButton = h('button.wide.listen', { type: 'button' });
  const nextBig = h('button.main.big', { type: 'button', hidden: true, onclick: () => order('next') }, words.verbs.next);
  const c = circle(() => (player.state.state === 'playing' ? breath.at(heard()) : null), idle, ring);
  const buttons = controls();
  section.append(
    h('div.what', title, place), c.el, h('div.doing', step, then), trouble, nextBig,
    h('div.whole', line.el, times), buttons.el, listenButton, listenLine, happened());
  const ear = listen(listenButton, listenLine);
  const heard = () => serverNow() - ear.lag();
  let stepLength = 0;

  // Between breaths the circle holds what is left of the step.
  function idle() {
    const s = player.state;
    const left = stepLeft(s, ear.lag());
    if (s.state === 'playing' && left !== null) return { word: clock(Math.ceil(left)), count: '' };
    return { word: words.inCircle[s.state] ?? '', count: '' };
  }

  function ring() {
    const left = stepLeft(player.state, ear.lag());
    return left !== null && stepLength > 0 ? 1 - left / stepLength : null;
  }

  // Times go on by the page's own clock: the player tells only what changes.
  function tick() {
    const s = player.state;
    const at = position(s, ear.lag());
    text(times.firstChild, running(s) && s.length_s ? words.at(clock(at), clock(s.length_s)) : '');
    text(times.lastChild, running(s) && s.length_s ? words.left(clock(s.length_s - at)) : '');
    line.move(s, at);
  }
  setInterval(tick, 500);

  function state(s, before) {
    if (!sounding(s)) breath.stop(serverNow());
    section.dataset.state = s.state;
    section.classList.toggle('running', running(s));
    text(title, running(s) ? s.title : s.state === 'problem' ? words.states.problem : words.idle);
    text(place, running(s) && s.steps ? words.stepOf(s.step_number, s.steps) : running(s) ? words.states[s.state] : s.next_run ? words.nextRun(new Date(s.next_run).toLocaleString([], { weekday: 'short', hour: '2-digit', minute: '2-digit' })) : words.idleHint);
    step.replaceChildren(s.step || '', ...(s.side ? [' ', h('span.side.' + s.side, words.sides[s.side])] : []));
    text(then, !s.step ? '' : s.side && s.next_step === s.step ? words.otherSide : s.next_step ? words.thenStep(s.next_step) : words.lastStep);
    text(trouble, s.error || '');
    nextBig.hidden = s.state !== 'waiting';
    buttons.state(s);
    spoken(s, before);
    line.load(running(s) ? s : { routine: '' }).then(() => measure(s, before));
    c.run(s.state === 'playing' && document.visibilityState === 'visible');
    tick();
  }

  // How long the step is: as the timeline has it, else as long as it was when it was first seen.
  function measure(s, before) {
    const current = line.current(s);
    const left = s.step_ends_at ? (Date.parse(s.step_ends_at) - Date.parse(s.updated_at)) / 1000 : 0;
    if (s.step_number !== before.step_number || s.side !== before.side || s.routine !== before.routine) stepLength = 0;
    stepLength = Math.max(stepLength, left, line.length(current));
  }

  function spoken(s, before) {
    if (s.state !== before.state && s.state !== 'preparing' && !(s.state === 'playing' && before.state === 'preparing')) say(words.states[s.state] + (s.error ? '. ' + s.error : ''));
    else if (s.step && (s.step_number !== before.step_number || s.side !== before.side)) say(words.saidStep(s.step_number, s.steps, s.step, words.sides[s.side]));
  }

  document.addEventListener('visibilitychange', () => c.run(player.state.state === 'playing' && document.visibilityState === 'visible'));
  return { state, info: buttons.info, phase: (p) => breath.add(p), listen: ear.toggle };
}
