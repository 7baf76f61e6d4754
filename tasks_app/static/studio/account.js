// What the account owns; asked for again whenever a task has moved its credits.

import { get } from "./api.js";
import * as tasks from "./tasks.js";

let shown = null;
let timer = null;
const listeners = new Set();
const PAUSE_MS = 200; // many tasks may begin at once

export const known = () => shown;

export async function refresh() {
  shown = await get("/account");
  for (const listener of [...listeners]) listener(shown);
}

export function watch(listener) {
  listeners.add(listener);
  if (shown) listener(shown);
  return () => listeners.delete(listener);
}

/** From now on, look again at each task that begins or ends. */
export function follow() {
  tasks.watch((task, before) => {
    const moves = !before || tasks.isOpen(before) !== tasks.isOpen(task);
    if (!moves || !(tasks.isOpen(task) || before)) return;
    clearTimeout(timer);
    timer = setTimeout(() => refresh().catch(() => {}), PAUSE_MS); // a figure that could not be had waits for the next task
  });
}
