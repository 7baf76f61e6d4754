// Results that were picked, in the order in which they were, and what can be made of them together.

import * as deeds from "./deeds.js";
import { el, icon, iconButton } from "./dom.js";
import { ofOutput, picture } from "./entry.js";
import { t } from "./language.js";
import * as models from "./models.js";
import { sortable } from "./sortable.js";
import { reference, wording } from "./tasks.js";

const TRAY = el("aside", { class: "tray", hidden: true });
const WAYS = [
  { kind: "image.stitch", least: 2, takes: (type) => type === "image" },
  { kind: "video.compose", least: 1, takes: (type) => type === "image" || type === "video" },
];

let picked = [];

/** Where they lie; once in the page. */
export function place() {
  TRAY.setAttribute("aria-label", t("picks"));
  return TRAY;
}

/** The box on a card. */
export function box(task, index) {
  const ref = reference(task, index);
  const input = el("input", {
    type: "checkbox",
    "data-ref": ref,
    checked: picked.some((one) => one.ref === ref),
    "aria-label": t("pick", { what: wording(task) || task.model }),
  });
  input.addEventListener("change", () => {
    picked = input.checked ? [...picked, ofOutput(task, index)] : picked.filter((one) => one.ref !== ref);
    draw();
  });
  return el("label", { class: "pick" }, input);
}

function draw() {
  TRAY.hidden = picked.length === 0;
  const row = el(
    "ol",
    { class: "picked-row" },
    picked.map((entry) => el("li", { draggable: "true" }, picture(entry))),
  );
  sortable(row, (from, to) => {
    picked.splice(to, 0, ...picked.splice(from, 1));
    draw();
  });
  TRAY.replaceChildren(
    el("p", { "aria-live": "polite" }, t("picked", { n: picked.length })),
    row,
    el("div", { class: "row" }, WAYS.map(way), iconButton("close", t("picks.none"), clear)),
  );
}

function way({ kind, least, takes }) {
  const model = models.first(kind);
  if (!model || picked.length < least || !picked.every((entry) => takes(entry.type))) return null;
  const click = () => {
    const entries = picked;
    clear();
    deeds.use(model, entries);
  };
  return el("button", { type: "button", class: "primary", on: { click } }, icon(kind), t(`make.${kind}`));
}

export function clear() {
  picked = [];
  for (const input of document.querySelectorAll(".pick input:checked")) input.checked = false;
  draw();
}
