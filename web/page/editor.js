import { ask, routinePath } from './api.js';
import { keepDraft, readDraft } from './draft.js';
import { h, text } from './dom.js';
import { notice } from './notice.js';
import { preview } from './preview.js';
import { textbox } from './textbox.js';
import { words } from './words.js';

const pause = 400; // ms without a key before the text is checked

// editor writes a routine: a new one, one of the user's own, or a copy of a built-in one.
export async function editor(view, name) {
  const source = name ? await ask(routinePath(name)) : { toml: words.skeleton, own: false };
  let saved = source.toml;
  const draft = readDraft(name);
  const box = textbox(draft ?? saved, words.text, changed);
  const nameBox = h('input', { type: 'text', value: source.own ? name : name ? `my-${name}` : '', pattern: '[a-z0-9\\-]{1,64}', maxLength: 64, autocomplete: 'off', spellcheck: false, autocapitalize: 'off', 'aria-describedby': 'name-hint' });
  const status = h('p.quiet', { role: 'status' });
  const discard = h('button', { type: 'button', onclick: goBack }, words.discard);
  const shown = preview((line) => box.select(line));
  let timer = 0;
  let asked = 0;

  function changed() {
    const dirty = box.value() !== saved;
    keepDraft(name, dirty ? box.value() : null);
    text(status, dirty ? words.unsaved : '');
    discard.hidden = !dirty;
    clearTimeout(timer);
    timer = setTimeout(check, pause);
  }

  async function check() {
    const mine = ++asked;
    shown.wait();
    try {
      const found = await ask('/api/check', { toml: box.value(), name: nameBox.value || 'draft' });
      if (mine !== asked) return;
      box.mark((found.problems || []).map((p) => p.line));
      shown.show(found);
    } catch (e) {
      if (mine === asked) shown.fail(e.message);
    }
  }

  async function save(e) {
    e.preventDefault();
    const as = nameBox.value;
    if (!/^[a-z0-9-]{1,64}$/.test(as)) {
      notice(words.badName);
      nameBox.focus();
      return;
    }
    const toml = box.value();
    try {
      await ask(routinePath(as), { toml }, 'PUT');
    } catch (failure) {
      notice(failure.message);
      if (failure.problems) shown.show({ problems: failure.problems });
      return;
    }
    notice(words.saved(as));
    saved = toml;
    keepDraft(name, null);
    if (as !== name) {
      location.hash = '#/edit/' + as;
      return;
    }
    changed();
  }

  function goBack() {
    box.set(saved);
    notice(words.discarded);
  }

  async function remove() {
    if (!confirm(words.removeSure(name))) return;
    try {
      await ask(routinePath(name), {}, 'DELETE');
    } catch (failure) {
      notice(failure.message);
      return;
    }
    saved = box.value();
    keepDraft(name, null);
    notice(words.removed(name));
    location.hash = '#/';
  }

  const warn = (e) => box.value() !== saved && e.preventDefault();
  addEventListener('beforeunload', warn);
  view.replaceChildren(
    h('h1', name ? source.title || name : words.newRoutine),
    h('p.quiet', words.reference),
    h('div.editing',
      box.el,
      h('div.side-by', shown.el,
        h('form.saving', { onsubmit: save },
          h('label', h('span', words.name), nameBox), h('p.quiet', { id: 'name-hint' }, words.nameHint),
          h('div.row', h('button.main', words.save), discard, source.own && h('button.danger', { type: 'button', onclick: remove }, words.remove)),
          status))));
  changed();
  return () => {
    clearTimeout(timer);
    asked++;
    shown.close();
    removeEventListener('beforeunload', warn);
  };
}
