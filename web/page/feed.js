import { learn, forgetClock } from './time.js';

// feed listens to the player for as long as the page lives. told gets ('state' | 'event' | 'phase' | 'info', value), link
// gets true and false as the connection comes and goes. The first frame of every connection is the whole state.
export function feed(told, link) {
  let source = null;
  let wait = 500;
  let timer = 0;

  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource('/api/events');
    forgetClock();
    for (const kind of ['state', 'event', 'phase', 'info']) {
      source.addEventListener(kind, (frame) => {
        const value = JSON.parse(frame.data);
        if (value.now) learn(value.now);
        wait = 500;
        link(true);
        told(kind, value);
      });
    }
    source.onerror = () => {
      link(false);
      source.close(); // the browser's own retry gives up on some answers; ours does not
      clearTimeout(timer);
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, 8000);
    };
  }

  // A phone that slept, or a page that came back from the cache, may hold a connection that died without a word.
  const again = () => document.visibilityState === 'visible' && open();
  document.addEventListener('visibilitychange', again);
  addEventListener('pageshow', (e) => e.persisted && open());
  addEventListener('online', open);
  open();
}
