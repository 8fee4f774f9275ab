import { text } from './dom.js';
import { notice } from './notice.js';
import { words } from './words.js';

// listen plays what the player plays in this browser. Its lag is how many ms later than the speaker it is heard: what
// has gone by since the sound was asked for, which begins at that moment, less what was played of it.
export function listen(button, line) {
  const audio = document.getElementById('live');
  let since = 0;
  let timer = 0;

  const on = () => Boolean(audio.getAttribute('src'));
  const lag = () => (on() && audio.currentTime > 0 ? Math.max(0, performance.now() - since - audio.currentTime * 1000) : 0);

  function show() {
    text(button, on() ? words.unlisten : words.listen);
    button.setAttribute('aria-pressed', String(on()));
    text(line, lag() > 300 ? words.listening((lag() / 1000).toFixed(1)) : '');
  }

  function stop() {
    clearInterval(timer);
    audio.removeAttribute('src');
    audio.load();
    show();
  }

  async function start() {
    since = performance.now();
    audio.src = '/live.wav';
    show();
    try {
      await audio.play();
      timer = setInterval(show, 3000);
    } catch (e) {
      if (e.name === 'AbortError') return; // stopped again before it sounded
      stop();
      notice(words.cannotListen);
    }
  }

  audio.onended = audio.onerror = () => {
    if (!on()) return;
    stop();
    notice(words.cannotListen);
  };
  button.onclick = () => (on() ? stop() : start());
  show();
  return { lag, toggle: () => button.click() };
}
