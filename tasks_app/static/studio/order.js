// Buying a task, once for each time that somebody means to.
//
// An intent gets its Idempotency-Key when it is first sent and keeps it until the API has answered, over lost answers, new tries and a
// page that was loaded anew: so whatever goes wrong on the way, the second request finds the first one's task.

import * as api from "./api.js";
import * as tasks from "./tasks.js";

const KEPT = "studio.intent";

/** The task that was made; raises Problem. */
export async function place(body) {
  const task = await once(JSON.stringify(body), (key) => api.buy("/tasks", body, key));
  tasks.put(task);
  return task;
}

/** The task that repeats another. */
export async function repeat(id) {
  const task = await once(`retry ${id}`, (key) => api.buy(`/tasks/${id}/retry`, undefined, key));
  tasks.put(task);
  return task;
}

async function once(what, send) {
  const key = keyOf(what);
  try {
    const made = await send(key);
    sessionStorage.removeItem(KEPT);
    return made;
  } catch (problem) {
    // Refused for good: the next time is another intent, with another form or other credits.
    if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) sessionStorage.removeItem(KEPT);
    throw problem;
  }
}

function keyOf(what) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (kept?.what === what) return kept.key;
  // By hand, for crypto.randomUUID is there by https only.
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(KEPT, JSON.stringify({ what, key }));
  return key;
}
