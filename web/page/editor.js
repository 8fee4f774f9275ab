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
  let savedVersion = source.version ?? '';
  let version = draft ? draft.version : savedVersion; // of the text that this one was begun with
  const box = textbox(draft?.text ?? saved, words.text, changed);
  const nameBox = h('input', { type: 'text', value: source.own ? name : name ? `my-${name}` : '', pattern: '[a-z0-9\\-]{1,64}', maxLength: 64, autocomplete: 'off', spellcheck: false, autocapitalize: 'off', 'aria-describedby': 'name-hint' });
  const status = h('p.quiet', { role: 'status' });
  const discard = h('button', { type: 'button', onclick: goBack }, words.discard);
  const shown = preview((line) => box.select(line));
  const saveButton = h('button.main', words.save);
  let timer = 0;
  let asked = 0;
  let busy = false; // a save or a removal is on its way
  let left = false; // the view

  function changed() {
    const dirty = box.value() !== saved;
    keepDraft(name, dirty ? { text: box.value(), version } : null);
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
    await once(() => saveAs(as, box.value(), source.own && as === name ? { version } : {}));
  }

  // once does one thing at a time, so that a second click on a slow connection does nothing twice.
  async function once(act) {
    if (busy) return;
    busy = saveButton.disabled = true;
    try {
      await act();
    } catch (failure) {
      notice(failure.message);
      if (failure.problems && !left) shown.show({ problems: failure.problems });
    } finally {
      busy = saveButton.disabled = false;
    }
  }

  async function saveAs(as, toml, condition) {
    let answer;
    try {
      answer = await ask(routinePath(as), { toml, ...condition }, 'PUT');
    } catch (failure) {
      if (failure.status !== 409 || condition.replace || !confirm(words.replaceSure(failure.message))) throw failure;
      return saveAs(as, toml, { replace: true });
    }
    notice(words.saved(as));
    const written = left ? readDraft(name)?.text : box.value(); // on while it was being saved
    if (written === toml || written === undefined) keepDraft(name, null);
    else if (as !== name) {
      keepDraft(name, null);
      keepDraft(as, { text: written, version: answer.version });
    } else keepDraft(name, { text: written, version: answer.version });
    if (left) return;
    saved = toml;
    version = savedVersion = answer.version;
    if (as !== name) {
      location.hash = '#/edit/' + as;
      return;
    }
    changed();
  }

  function goBack() {
    if (!confirm(words.discardSure)) return;
    version = savedVersion;
    box.set(saved);
    notice(words.discarded);
  }

  async function remove() {
    if (busy || !confirm(words.removeSure(name))) return;
    await once(async () => {
      await ask(routinePath(name), {}, 'DELETE');
      keepDraft(name, null);
      notice(words.removed(name));
      if (left) return;
      saved = box.value();
      location.hash = '#/';
    });
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
          h('div.row', saveButton, discard, source.own && h('button.danger', { type: 'button', onclick: remove }, words.remove)),
          status))));
  changed();
  return () => {
    left = true;
    clearTimeout(timer);
    asked++;
    shown.close();
    removeEventListener('beforeunload', warn);
  };
}
