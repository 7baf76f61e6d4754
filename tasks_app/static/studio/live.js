// Keeps open tasks up to date: by the account's stream of events where there is one, else by asking, as often as the API advises.

import { get } from "./api.js";
import * as tasks from "./tasks.js";

const STREAM = "/api/v1/account/events";
const EVENTS = ["snapshot", "progress", "state", "message"];
const PACE_MS = [600, 10_000];
const FEW = 4;
// A stream may die without a word; what it should have told is asked for now and then.
const STREAMED_PACE_MS = 15_000;

let timer = null;
let streams = false;

export function start() {
  tasks.watch(plan);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  if (!sessionStorage.getItem("studio.no-stream")) listen();
  plan();
}

function listen() {
  const source = new EventSource(STREAM);
  source.addEventListener("open", () => {
    streams = true;
  });
  source.addEventListener("error", () => {
    streams = false;
    // Closed for good: it answered something else than a stream. While it is away for a moment, the browser tries again by itself.
    if (source.readyState === EventSource.CLOSED) sessionStorage.setItem("studio.no-stream", "1");
    plan();
  });
  for (const name of EVENTS) source.addEventListener(name, hear);
}

function hear(event) {
  const told = read(event.data);
  for (const task of Array.isArray(told) ? told : (told?.data ?? [told])) {
    if (!task?.id) continue;
    tasks.put(task);
    // How it ended is told whole, or asked for.
    if (task.status && !tasks.isOpen(task) && !task.urls) tasks.refresh(task.id);
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function plan() {
  if (timer !== null) return;
  const advised = tasks.open().map((task) => task.poll_after_ms ?? PACE_MS[0]);
  if (!advised.length) return;
  const pace = streams ? STREAMED_PACE_MS : Math.min(Math.max(Math.min(...advised), PACE_MS[0]), PACE_MS[1]);
  timer = setTimeout(ask, pace);
}

async function ask() {
  clearTimeout(timer);
  timer = null;
  const open = tasks.open();
  if (document.hidden || !open.length) return;
  try {
    await (open.length <= FEW ? Promise.all(open.map((task) => tasks.refresh(task.id))) : askForAll(open));
  } catch (problem) {
    if (!("status" in problem) || problem.status === 401) throw problem; // else the next round may be luckier
  }
  plan();
}

/** One list instead of many tasks; what is too old for it is asked for by itself. */
async function askForAll(open) {
  const page = await get("/tasks?limit=100");
  page.data.forEach(tasks.put);
  const seen = new Set(page.data.map((task) => task.id));
  await Promise.all(open.filter((task) => !seen.has(task.id)).map((task) => tasks.refresh(task.id)));
}
