import { h } from './dom.js';
import { words } from './words.js';

// sheet asks how a routine is to be. It gives what start takes, and whether to start; null when it is cancelled, by its
// button, by Esc, or by leaving the view: then nothing has changed.
export function sheet(title, chosen) {
  const dialog = document.getElementById('sheet');
  const row = (key, label, options) => {
    const select = h('select', { name: key }, h('option', { value: '' }, key === 'for' ? words.ownLength : words.asSet), ...options.map(([value, name]) => h('option', { value }, name)));
    select.value = chosen[key] ?? '';
    return h('label', h('span', label), select);
  };
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'sheet-title' }, words.sheetTitle(title)),
    row('for', words.length, [2, 3, 5, 8, 10, 15, 20, 30].map((n) => [n + 'm', words.minutes(n)])),
    row('voice', words.voice, Object.entries(words.voices)),
    row('verbosity', words.verbosity, Object.entries(words.verbosities)),
    row('holds', words.holds, [['on', words.holdsOn], ['off', words.holdsOff]]),
    row('bed', words.bed, Object.entries(words.beds)),
    h('div.row', h('button.main', { value: 'start' }, words.start), h('button', { value: 'keep' }, words.keep), h('button', { value: 'cancel', formNoValidate: true }, words.cancel)));
  dialog.replaceChildren(form);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      if (dialog.open) return; // the event of the closing before, which comes late
      if (!['start', 'keep'].includes(dialog.returnValue)) return resolve(null);
      const options = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
      resolve({ start: dialog.returnValue === 'start', options });
    };
  });
}
