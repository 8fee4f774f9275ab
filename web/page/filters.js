// What the library can be narrowed by: pure, from the routines alone.
const spans = [[0, 3], [3, 5], [5, 10], [10, Infinity]];

export const blank = () => ({ search: '', position: '', equipment: '', level: '', tag: '', length: '' });

// choices are the values that occur, so that no filter leads nowhere.
export function choices(routines) {
  const all = (key) => [...new Set(routines.flatMap((r) => r[key] || []))].sort();
  return {
    position: all('position'),
    equipment: ['', ...all('equipment')],
    level: ['easy', 'medium', 'hard'].filter((l) => routines.some((r) => r.level === l)),
    tag: all('tags'),
    length: spans.map((_, i) => String(i)).filter((i) => routines.some((r) => within(r, spans[i]))),
  };
}

export const span = (i) => spans[i];

export function fits(r, f) {
  const text = ' ' + [r.name, r.title, r.about, ...(r.tags || []), ...(r.steps || [])].join(' ').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ');
  return (
    f.search.toLowerCase().split(/[^\p{L}\p{N}]+/u).every((word) => text.includes(' ' + word)) && // from the start of a word
    (!f.position || (r.position || []).includes(f.position)) &&
    (!f.equipment || (f.equipment === '-' ? !(r.equipment || []).length : (r.equipment || []).includes(f.equipment))) &&
    (!f.level || r.level === f.level) &&
    (!f.tag || (r.tags || []).includes(f.tag)) &&
    (!f.length || within(r, spans[f.length]))
  );
}

// Each span has its end and not its start: five minutes sharp are up to five.
const within = (r, [over, upTo]) => r.length_s > over * 60 && r.length_s <= upTo * 60;
