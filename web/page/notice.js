import { text } from './dom.js';

// One quiet line under the header. A sentence goes by itself; what lasts (reconnecting) stays until it is cleared.
let lasting = '';
let timer = 0;
const line = () => document.getElementById('notice');

export function notice(sentence) {
  clearTimeout(timer);
  text(line(), sentence);
  timer = setTimeout(() => text(line(), lasting), 6000);
}

export function noticeWhile(sentence) {
  if (sentence === lasting) return; // another sentence may stand there for its time
  lasting = sentence;
  clearTimeout(timer);
  text(line(), sentence);
}
