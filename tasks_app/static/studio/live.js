// Keeps tasks up to date: by the account's stream of events, and while there is none by asking, as often as the API advises.

import { get } from "./api.js";
import * as tasks from "./tasks.js";

const STREAM = "/api/v1/account/events";
const PACE_MS = [600, 10_000];
// A stream may die without a word; what it should have told is asked for now and then.
const STREAMED_PACE_MS = 15_000;
const AGAIN_MS = 10_000;
const FEW = 4;

let timer = null;
let streams = false;

export function start() {
  tasks.watch(plan);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  listen();
  plan();
}

const HEARD = {
  snapshot: ({ data }) => data.forEach(tasks.put),
  state: ({ task }) => tasks.put(task),
  progress: ({ task, progress }) => tasks.put({ id: task, progress }),
  gap: ask,
};

function listen() {
  const source = new EventSource(STREAM);
  for (const [name, heard] of Object.entries(HEARD)) source.addEventListener(name, (event) => heard(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    streams = true;
  });
  source.addEventListener("error", () => {
    streams = false;
    plan();
    // Where only the wire broke, the browser comes again by itself. Else the stream was refused: if the session is over, this finds it out.
    if (source.readyState === EventSource.CLOSED)
      get("/account").then(
        () => setTimeout(listen, AGAIN_MS),
        () => {},
      );
  });
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
    if (!("status" in problem)) throw problem; // else the next round may be luckier
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
