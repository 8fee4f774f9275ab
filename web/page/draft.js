// Drafts are kept in this browser until they are saved: a closed tab or an empty battery loses nothing.
const key = (name) => 'guided draft ' + name;

export function readDraft(name) {
  try {
    return localStorage.getItem(key(name));
  } catch {
    return null; // a browser may forbid it; then the page still warns before it is left
  }
}

export function keepDraft(name, text) {
  try {
    if (text === null) localStorage.removeItem(key(name));
    else localStorage.setItem(key(name), text);
  } catch {
    // see readDraft
  }
}
