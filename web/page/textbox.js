import { h } from './dom.js';

// textbox is a text area with line numbers; lines with a problem are marked among them.
export function textbox(start, label, changed) {
  const numbers = h('ol.numbers', { 'aria-hidden': 'true' });
  const area = h('textarea', { value: start, wrap: 'off', spellcheck: false, autocapitalize: 'off', autocomplete: 'off', 'aria-label': label });
  const lines = () => area.value.split('\n');

  function number() {
    const n = lines().length;
    while (numbers.children.length < n) numbers.append(h('li'));
    while (numbers.children.length > n) numbers.lastChild.remove();
  }

  area.oninput = () => {
    number();
    changed();
  };
  area.onscroll = () => (numbers.style.transform = `translateY(${-area.scrollTop}px)`);
  number();
  return {
    el: h('div.textbox', h('div.gutter', numbers), area),
    value: () => area.value,
    set(value) {
      area.value = value;
      area.oninput();
    },
    mark(wrong) {
      [...numbers.children].forEach((li, i) => li.classList.toggle('wrong', wrong.includes(i + 1)));
    },
    // select puts the cursor on a line, from 1, and shows it.
    select(line) {
      const before = lines().slice(0, line - 1);
      const from = before.join('\n').length + (before.length ? 1 : 0);
      area.focus();
      area.setSelectionRange(from, from + (lines()[line - 1] ?? '').length);
      const height = area.scrollHeight / lines().length;
      area.scrollTop = Math.max(0, (line - 4) * height);
      area.scrollLeft = 0;
    },
  };
}
