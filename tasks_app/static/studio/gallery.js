// Tasks as pictures, the newest first; more of them as one scrolls on.

import * as api from "./api.js";
import * as cards from "./card.js";
import { el, icon } from "./dom.js";
import { t } from "./language.js";
import { complain } from "./say.js";
import * as tasks from "./tasks.js";

const PAGE = 24;
const AHEAD = "600px";
// Pages that a search in words reads by itself; further back it goes when it is told to.
const PAGES_FOR_WORDS = 5;

/** {element, show(filters, text), stop()}; `filters` are those of GET /tasks, `text` is looked for in what was loaded. */
export function gallery() {
  const list = el("div", { class: "gallery" });
  const nothing = el("p", {});
  const empty = el("div", { class: "empty whole", hidden: true }, icon("mark"), nothing);
  const further = el("button", { type: "button", class: "quiet", hidden: true, on: { click: () => load() } }, t("gallery.further"));
  const sentinel = el("div", { class: "sentinel" });
  const element = el("div", {}, list, empty, further, sentinel);
  const state = { filters: {}, text: "", cursor: null, hasMore: true, isLoading: false, read: 0, round: 0 };
  const shown = new Map(); // task id → the element around its cards

  const draw = (task) => {
    const holder = shown.get(task.id);
    if (!holder) return;
    cards.draw(holder, task);
    holder.hidden = !says(task, state.text);
  };
  const holderOf = (task) => {
    const holder = el("div", { class: "task", "data-task": task.id });
    shown.set(task.id, holder);
    return holder;
  };
  const heard = (task, before) => {
    if (task.isGone) {
      shown.get(task.id)?.remove();
      shown.delete(task.id);
    } else if (shown.has(task.id)) draw(task);
    else if (!before && isNewest(task, list) && fits(task, state.filters)) {
      list.prepend(holderOf(task));
      draw(task);
    }
    tellEmpty();
  };
  const tellEmpty = () => {
    const some = [...shown.values()].some((holder) => !holder.hidden);
    empty.hidden = some || state.hasMore;
    nothing.textContent = t(Object.values(state.filters).some(Boolean) || state.text ? "gallery.nothing" : "gallery.empty");
  };
  const load = async () => {
    if (state.isLoading || !state.hasMore) return;
    state.isLoading = true;
    const round = state.round;
    try {
      const page = await api.get(`/tasks${api.query({ ...state.filters, limit: PAGE, cursor: state.cursor })}`);
      if (round !== state.round) return;
      Object.assign(state, { cursor: page.next_cursor, hasMore: page.has_more, read: state.read + 1 });
      page.data.forEach(append);
    } catch (problem) {
      state.hasMore = false;
      complain(problem);
    } finally {
      if (round === state.round) state.isLoading = false;
    }
    further.hidden = !(state.hasMore && state.text && state.read >= PAGES_FOR_WORDS);
    tellEmpty();
    lookAgain();
  };
  const append = (task) => {
    if (!shown.has(task.id)) list.append(holderOf(task));
    tasks.put(task);
    draw(tasks.find(task.id));
  };
  const eye = new IntersectionObserver(([sight]) => sight.isIntersecting && further.hidden && load(), { rootMargin: AHEAD });
  // An observer tells of changes only; where the first page leaves the foot in sight, there is none.
  const lookAgain = () => {
    eye.unobserve(sentinel);
    if (state.hasMore && further.hidden) eye.observe(sentinel);
  };
  const show = (filters, text = "") => {
    Object.assign(state, {
      filters,
      text: text.toLowerCase(),
      cursor: null,
      hasMore: true,
      isLoading: false,
      read: 0,
      round: state.round + 1,
    });
    shown.clear();
    list.replaceChildren();
    further.hidden = true;
    load();
  };
  const stopWatching = tasks.watch(heard);
  show({});
  const stop = () => {
    stopWatching();
    eye.disconnect();
  };
  return { element, show, stop };
}

function isNewest(task, list) {
  const first = list.firstElementChild?.dataset.task;
  return !first || task.id > first; // ids sort by the time at which they were made
}

function fits(task, filters) {
  const same = ["status", "kind", "model"].every((name) => !filters[name] || filters[name] === task[name]);
  return same && !filters.created_before;
}

/** Whether the words stand in what the task was asked for. */
function says(task, text) {
  return !text || `${JSON.stringify(task.input)} ${task.model} ${task.id}`.toLowerCase().includes(text);
}
