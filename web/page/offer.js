import { h, text } from './dom.js';
import { order, running } from './player.js';
import { clock } from './time.js';
import { words } from './words.js';

// offer is the card of a session that was lost, above whatever is shown: to go on with it, or to leave it.
export function offer() {
  const card = document.getElementById('offer');
  const offered = h('p.offered');
  card.append(offered, h('div.row',
    h('button.main', { type: 'button', onclick: () => order('resume') }, words.goOn),
    h('button', { type: 'button', onclick: () => order('stop') }, words.letGo)));
  return (s) => {
    card.hidden = running(s) || !s.resume_offer;
    if (s.resume_offer) text(offered, words.lost(s.resume_offer.title, s.resume_offer.step, clock(s.resume_offer.position_s)));
  };
}
