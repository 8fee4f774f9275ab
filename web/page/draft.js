// Drafts are kept in this browser until they are saved: a closed tab or an empty battery loses nothing. A draft knows the
// version of the text that it was begun with, so that it never replaces a text that its writer has not seen.
const key = (name) => 'guided draft ' + name;

// readDraft gives {text, version}, or null.
export function readDraft(name) {
  try {
    const kept = localStorage.getItem(key(name));
    if (kept === null) return null;
    try {
      const draft = JSON.parse(kept);
      if (typeof draft?.text === 'string') return { text: draft.text, version: String(draft.version ?? '') };
    } catch {
      // kept by an earlier page, as text alone
    }
    return { text: kept, version: '' };
  } catch {
    return null; // a browser may forbid it; then the page still warns before it is left
  }
}

// keepDraft keeps {text, version}, or with null nothing.
export function keepDraft(name, draft) {
  try {
    if (draft === null) localStorage.removeItem(key(name));
    else localStorage.setItem(key(name), JSON.stringify(draft));
  } catch {
    // see readDraft
  }
}
