// The account's tasks as this page knows them, and who wants to hear when one changes.

import { get } from "./api.js";

const known = new Map();
const listeners = new Set();
const OPEN = new Set(["queued", "running"]);

export const isOpen = (task) => OPEN.has(task.status);
export const find = (id) => known.get(id);
export const open = () => [...known.values()].filter(isOpen);

/** Takes in a task as the API shows it, or a part of it as an event tells it. */
export function put(told) {
  const before = known.get(told.id);
  const now = { ...before, ...told };
  if (!now.kind) return; // a part of a task that nobody has shown us yet
  known.set(now.id, now);
  if (JSON.stringify(now) !== JSON.stringify(before)) tell(now, before);
}

export function drop(id) {
  const task = known.get(id);
  if (!known.delete(id)) return;
  tell({ ...task, isGone: true }, task);
}

/** `listener(task, before)` hears of each change from now on; returns what ends that. */
export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Asks for one task again. */
export async function refresh(id) {
  try {
    put(await get(`/tasks/${id}`));
  } catch (problem) {
    if (problem.status === 404) drop(id);
    else if (problem.status !== 0) throw problem;
  }
}

function tell(task, before) {
  for (const listener of [...listeners]) listener(task, before);
}

/** The reference by which an output becomes an input. */
export function reference(task, place) {
  return `${task.id}/${place}`;
}

/** What a task was asked for in words: a prompt, or a text. */
export function wording(task) {
  return task.input.prompt ?? task.input.text ?? "";
}
