// Every sentence of the page. Another language is another module with the same keys.
export const words = {
  skip: 'Skip to the routines',
  library: 'Library', now: 'Now', playing: 'Now playing', write: 'Write', help: 'Help and keys',
  close: 'Close', cancel: 'Cancel',

  search: 'Search routines', filters: 'Filter', clear: 'Show all',
  any: 'Any', position: 'Position', equipment: 'Equipment', level: 'Level', tag: 'Topic', length: 'Length',
  none: 'nothing', upTo: (m) => `up to ${m} min`, over: (m) => `over ${m} min`,
  found: (n) => (n === 0 ? 'No routine fits. Take a filter away.' : n === 1 ? '1 routine' : `${n} routines`),
  own: 'yours', broken: 'cannot be played',
  needs: (list) => `needs ${list}`,

  start: 'Start', adjust: 'Adjust', cautions: 'Before you begin', picture: 'Timeline',
  pictureOf: (title) => `Timeline of ${title}`,
  startOne: (title) => `Start ${title}`,
  copy: 'Copy and change', change: 'Change', here: 'Play in this browser', download: 'Download as FLAC',
  sheetTitle: (title) => `Start ${title}`,
  asSet: 'as usual', ownLength: 'its own length', minutes: (n) => `${n} minutes`,
  voice: 'Voice', voices: { heart: 'Heart, a woman', michael: 'Michael, a man' },
  verbosity: 'How much is said', verbosities: { full: 'everything', short: 'short', minimal: 'the least' },
  holds: 'Breath holds', holdsOn: 'with holds', holdsOff: 'without holds',
  bed: 'Sound under it', beds: { none: 'none', rain: 'rain', waves: 'waves', brown: 'soft noise', drone: 'drone' },

  idle: 'Nothing is playing', idleHint: 'Choose a routine, lie down, close your eyes.',
  states: { preparing: 'Getting ready', playing: 'Playing', paused: 'Paused', waiting: 'Waiting for you', problem: 'There is a problem', idle: 'Nothing is playing' },
  inCircle: { preparing: 'Soon', paused: 'Paused', waiting: 'Waiting' },
  stepOf: (n, all) => `Step ${n} of ${all}`, thenStep: (s) => `Then: ${s}`, otherSide: 'Then: the other side', lastStep: 'The last step',
  sides: { left: 'left side', right: 'right side' },
  saidStep: (n, all, name, side) => `Step ${n} of ${all}: ${name}${side ? ', ' + side : ''}`,
  left: (t) => `${t} left`, at: (t, all) => `${t} of ${all}`, nextRun: (t) => `Next session: ${t}`,
  phases: { in: 'In', again: 'And in', hold: 'Hold', out: 'Out', wait: 'Wait', move: 'Move', back: 'Back' },
  verbs: { pause: 'Pause', resume: 'Resume', next: 'Next', back: 'Back', repeat: 'Repeat', stop: 'Stop', slower: 'Slower', faster: 'Faster', extend: 'Longer' },
  volume: 'Volume', say: 'Say something', sayIt: 'Say',
  listen: 'Listen in this browser', unlisten: 'Stop listening here', listening: (s) => `You hear it ${s} s after the speaker; the circle goes with what you hear.`,
  cannotListen: 'The sound does not come. Is the player still reachable?',

  reconnecting: 'Reconnecting…', unreachable: 'The player cannot be reached. Is it running?',
  locked: 'This page needs its token. Open the address that “guided web” prints.',

  newRoutine: 'A new routine', name: 'Name', nameHint: 'small letters, digits and hyphens',
  text: 'The routine', save: 'Save', saved: (n) => `Saved as ${n}.`, unsaved: 'Not saved yet. Your draft is kept in this browser.',
  discard: 'Go back to the saved text', discarded: 'The saved text is back.', remove: 'Delete', removeSure: (n) => `Delete ${n}? A copy stays beside it as a backup.`, removed: (n) => `${n} was deleted.`,
  fine: (t) => `No problem found. It lasts ${t}.`, problems: (n) => (n === 1 ? '1 problem' : `${n} problems`),
  line: (n) => `Line ${n}`, preview: 'Listen to it', reference: 'Each step begins with [[step]]. A step says, breathes, holds, rests or repeats.',
  badName: 'Give it a name of small letters, digits and hyphens, at most 64.',
  skeleton: 'title = "My routine"\nabout = "What it is for."\n\n[[step]]\nsay = "Sit tall. Let the shoulders drop."\n\n[[step]]\nbreathe = "4-4-6"\nfor     = "3m"\n',

  keys: [
    ['Space', 'pause, and go on'], ['N', 'the next step'], ['B', 'back'], ['R', 'say it again'], ['L', 'listen in this browser'],
    ['/', 'search'], ['?', 'this help'], ['Esc', 'close what is open'],
  ],
  helpText: 'Everything here is done by the player on its own speaker; this page is a remote control. It may be closed while a routine plays.',
};
