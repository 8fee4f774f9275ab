import { h } from './dom.js';
import { startOptions } from './options.js';
import { words } from './words.js';

// sheet asks how a routine is to be. It gives what start takes, and whether to start; null when it is cancelled, by its
// button, by Esc, or by leaving the view: then nothing has changed.
export function sheet(title, chosen) {
  const dialog = document.getElementById('sheet');
  const form = h('form', { method: 'dialog' },
    h('h2', { id: 'sheet-title' }, words.sheetTitle(title)),
    ...startOptions(chosen),
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
