// One result as the gallery shows it: its picture, which plays where it is a video; or how far its task is, or why it failed.

import * as api from "./api.js";
import { el, icon, iconButton } from "./dom.js";
import { DRAGGED, ofOutput } from "./entry.js";
import { span, t, tr } from "./language.js";
import * as deeds from "./deeds.js";
import * as picks from "./picks.js";
import { standing } from "./standing.js";
import * as tasks from "./tasks.js";

const RATIOS = [0.5, 2.2]; // narrower and wider pictures are cropped on the wall, and whole in the full view
// Loaded when the first result is opened.
const openViewer = async (id, place) => (await import("./viewer.js")).openViewer(id, place);
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** Fills a task's place on the wall: a card for each output, or one for the task itself. What has the focus there keeps it. */
export function draw(holder, task) {
  const waits = holder.querySelector(".pending");
  if (waits && tasks.isOpen(task)) return advance(waits, task);
  const hadFocus = holder.contains(document.activeElement);
  holder.replaceChildren(...cardsOf(task));
  if (hadFocus) holder.querySelector("button")?.focus({ preventScroll: true });
}

function cardsOf(task) {
  if (tasks.isOpen(task)) return [pending(task)];
  return task.outputs.length ? task.outputs.map((output, place) => result(task, output, place)) : [failed(task)];
}

function result(task, output, place) {
  const about = tasks.wording(task) || task.model;
  const looks = output.thumbnail_url
    ? el("img", { src: api.here(output.thumbnail_url), alt: "", loading: "lazy", draggable: "false" })
    : plain(output);
  const open = el(
    "button",
    { type: "button", class: "open", "aria-label": t("open", { what: `${tr(`type.${output.type}`, output.type)}: ${about}` }) },
    looks,
  );
  open.addEventListener("click", () => openViewer(task.id, place));
  if (output.type === "video") plays(open, output);
  const card = el(
    "article",
    { class: "card", draggable: "true", style: { "--ratio": ratioOf(output.width, output.height) }, "data-place": place },
    open,
    output.duration &&
      el("span", { class: "badge" }, output.type === "video" ? icon("video.generate") : icon("sound"), span(output.duration)),
    el("p", { class: "caption" }, about),
    ["image", "video"].includes(output.type) && picks.box(task, place),
  );
  card.addEventListener("dragstart", (event) => event.dataTransfer.setData(DRAGGED, JSON.stringify(ofOutput(task, place))));
  return card;
}

function plain(output) {
  const name = output.type === "audio" ? "sound" : output.type === "text" ? "text.process" : "image.generate";
  return el("span", { class: "no-picture" }, icon(name), el("span", {}, tr(`type.${output.type}`, output.type)));
}

/** Moves while a pointer or the focus is on it, without a sound; not for those who want nothing to move. */
function plays(button, output) {
  let video = null;
  const begin = () => {
    if (video || STILL.matches) return;
    video = el("video", { src: api.here(output.url), loop: true, playsinline: true, "aria-hidden": "true", tabindex: -1 });
    video.muted = true;
    video.addEventListener("playing", () => video?.classList.add("is-playing"));
    button.append(video);
    video.play().catch(() => {}); // the pointer left before it could
  };
  const end = () => {
    video?.remove();
    video = null;
  };
  button.addEventListener("pointerenter", begin);
  button.addEventListener("focus", begin);
  button.addEventListener("pointerleave", end);
  button.addEventListener("blur", end);
}

function pending(task) {
  const bar = el(
    "div",
    { class: "bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": t("progress") },
    el("i"),
  );
  const card = el(
    "article",
    { class: "card pending", style: { "--ratio": ratioAsked(task) } },
    el("div", { class: "waiting" }, icon(task.kind), el("p", { class: "about" }, tasks.wording(task)), el("p", { class: "state" }), bar),
    iconButton("close", t("deed.cancel"), () => deeds.cancel(task), { class: "icon-button corner" }),
  );
  advance(card, task);
  return card;
}

function advance(card, task) {
  const share = task.status === "running" ? task.progress : 0;
  card.querySelector(".state").textContent = standing(task);
  card.querySelector(".bar").setAttribute("aria-valuenow", Math.round(share * 100));
  card.querySelector(".bar i").style.setProperty("--share", share);
}

function failed(task) {
  const why = task.error ? task.error.message : t(`status.${task.status}`);
  return el(
    "article",
    { class: "card failed", style: { "--ratio": 1.4 } },
    el(
      "button",
      { type: "button", class: "open", on: { click: () => openViewer(task.id, 0) } },
      el("strong", {}, t(`status.${task.status}`)),
      el("span", { class: "about" }, tasks.wording(task)),
      task.error && el("span", { class: "why" }, why),
    ),
    iconButton("again", t("deed.retry"), () => deeds.retry(task), { class: "icon-button corner" }),
  );
}

function ratioOf(width, height) {
  return width && height ? Math.min(Math.max(width / height, RATIOS[0]), RATIOS[1]) : 1.4;
}

/** The shape that was asked for, so that the wall does not jump when the result is there. */
function ratioAsked({ kind, input }) {
  const [, width, height] = /^(\d+)[x:](\d+)$/.exec(input.size ?? input.aspect_ratio ?? "") ?? [];
  return ratioOf(width, height) === 1.4 && !width ? (kind.startsWith("video") ? 16 / 9 : 1) : ratioOf(width, height);
}
