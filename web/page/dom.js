// Elements in one line: h('button.big', {onclick: f, 'aria-label': 'x'}, 'text', child).
export function h(kind, ...rest) {
  const [tag, ...classes] = kind.split('.');
  const el = document.createElement(tag || 'div');
  if (classes.length) el.className = classes.join(' ');
  const plain = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
  if (plain) set(el, rest.shift());
  el.append(...rest.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

// set gives an element attributes, listeners (on…) and properties (value, disabled, hidden…).
export function set(el, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key in el || key.startsWith('on')) el[key] = value;
    else if (value !== null && value !== undefined && value !== false) el.setAttribute(key, value);
  }
  return el;
}

// text changes an element's text only when it differs, so that nothing is read out twice.
export function text(el, value) {
  if (el.textContent !== value) el.textContent = value;
}

// say tells a screen reader something that changed, once.
export function say(sentence) {
  text(document.getElementById('said'), sentence);
}

// icon is a picture of a verb, drawn in the colour of the text.
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', shapes[name]);
  svg.append(path);
  return svg;
}

const shapes = {
  play: 'M8 5.5v13a.7.7 0 0 0 1.1.6l9.8-6.5a.7.7 0 0 0 0-1.2L9.1 4.9A.7.7 0 0 0 8 5.5z',
  pause: 'M7.5 5h2a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zm7 0h2a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z',
  next: 'M6 6.2v11.6a.7.7 0 0 0 1.1.6l8.4-5.8a.7.7 0 0 0 0-1.2L7.1 5.6A.7.7 0 0 0 6 6.2zM17 5.5h2v13h-2z',
  left: 'M15.4 5.3 8.7 12l6.7 6.7-1.4 1.4L5.9 12 14 3.9z',
  right: 'M8.6 18.7 15.3 12 8.6 5.3 10 3.9l8.1 8.1L10 20.1z',
  back: 'M18 6.2v11.6a.7.7 0 0 1-1.1.6l-8.4-5.8a.7.7 0 0 1 0-1.2l8.4-5.8a.7.7 0 0 1 1.1.6zM5 5.5h2v13H5z',
};
