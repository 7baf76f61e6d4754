// Lists whose items are more than a picture: each is a row, with its place in the order, and what may be said about it below. Loaded with the
// first item, together with its own looks and words.

import { el, iconButton } from "./dom.js";
import { picture } from "./entry.js";
import { learn, span, t } from "./language.js";
import { makeOptions } from "./options.js";

/** {row, options}, once they can be shown. */
export async function load() {
  await Promise.all([learn("clips"), looks()]);
  return { row, options: makeOptions };
}

function looks() {
  return new Promise((resolve) => {
    const link = el("link", { rel: "stylesheet", href: new URL("clips.css", import.meta.url), on: { load: resolve, error: resolve } });
    document.head.append(link);
  });
}

function row(entry, index, { count, move, take }) {
  const seen = picture(entry);
  entry.options.suit(entry, index, seen);
  const order = el(
    "div",
    { class: "clip-order" },
    iconButton("up", t("media.earlier"), () => move(index, index - 1), { class: "icon-button earlier", disabled: index === 0 }),
    iconButton("down", t("media.later"), () => move(index, index + 1), { class: "icon-button later", disabled: index === count - 1 }),
  );
  const face = el("div", { class: "face" }, seen, count > 1 && el("span", { class: "place" }, String(index + 1)), entry.bar);
  const about = el(
    "div",
    { class: "clip-about" },
    el("p", { class: "clip-name", title: entry.name }, entry.name),
    el("p", { class: "hint" }, facts(entry)),
  );
  const gone = iconButton("close", t(entry.bar ? "media.stop" : "media.remove"), () => take(entry));
  // Only the head is dragged: below it, dragging moves sliders and marks text.
  const head = el("div", { class: "clip-head", draggable: count > 1 ? "true" : null }, count > 1 && order, face, about, gone);
  return el("li", { class: "tile clip" }, head, entry.options.element);
}

function facts({ type, duration }) {
  return [type && t(`type.${type}`), duration && span(duration)].filter(Boolean).join(" · ");
}
