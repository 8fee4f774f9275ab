import { words } from './words.js';

// ask fetches JSON. An error is a sentence to show: the server's own where it gave one.
export async function ask(path, body, method) {
  const init = { method: method || (body === undefined ? 'GET' : 'POST') };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Error(words.unreachable);
  }
  const raw = await answer.text();
  let json = {};
  try {
    json = raw ? JSON.parse(raw) : {};
  } catch {
    json = { error: raw.trim() };
  }
  if (answer.ok) return json;
  const sentence = answer.status === 401 ? words.locked : json.error || `${answer.status} ${answer.statusText}`;
  throw Object.assign(new Error(sentence), { problems: json.problems, status: answer.status });
}

export const routinePath = (name) => '/api/routines/' + encodeURIComponent(name);

// query is what a start is asked for, as an address takes it.
export function query(options) {
  const q = new URLSearchParams(options).toString();
  return q ? '?' + q : '';
}
