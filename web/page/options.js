import { h } from './dom.js';
import { words } from './words.js';

const some = (list) => list.map((n) => [n + 'm', words.minutes(n)]);

// pick is a labelled choice. A value that is none of the options is kept as one.
export function pick(name, label, empty, options, value = '') {
  const known = value === '' || options.some(([v]) => v === value);
  const select = h('select', { name }, h('option', { value: '' }, empty), ...options.map(([v, text]) => h('option', { value: v }, text)), known ? null : h('option', { value }, value));
  select.value = value;
  return h('label', h('span', label), select);
}

// startOptions are the fields of what a start takes beside the routine and the volume. A length and an end exclude each
// other: the one that is given last counts.
export function startOptions(chosen) {
  const text = (key) => (chosen[key] === true ? 'on' : chosen[key] === false ? 'off' : String(chosen[key] ?? ''));
  const length = pick('for', words.length, words.ownLength, some([2, 3, 5, 8, 10, 15, 20, 30]), text('for'));
  const until = h('input', { type: 'time', name: 'until', value: text('until') });
  const select = length.querySelector('select');
  select.addEventListener('change', () => select.value && (until.value = ''));
  until.addEventListener('input', () => until.value && (select.value = ''));
  return [
    h('div.two', length, h('label', h('span', words.until), until)),
    h('div.two',
      pick('fade_in', words.fadeIn, words.noFade, some([1, 2, 5, 10]), text('fade_in')),
      pick('fade_out', words.fadeOut, words.noFade, some([1, 2, 5, 10]), text('fade_out'))),
    pick('voice', words.voice, words.asSet, Object.entries(words.voices), text('voice')),
    pick('verbosity', words.verbosity, words.asSet, Object.entries(words.verbosities), text('verbosity')),
    pick('holds', words.holds, words.asSet, [['on', words.holdsOn], ['off', words.holdsOff]], text('holds')),
    pick('bed', words.bed, words.asSet, Object.entries(words.beds), text('bed')),
  ];
}
