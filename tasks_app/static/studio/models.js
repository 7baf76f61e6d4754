// The models that can be asked for, and the choice among them: first what is to be made, then by whom.

import { get } from "./api.js";
import { el, freshId, icon } from "./dom.js";
import { span, t, tr } from "./language.js";
import { mediaFields } from "./schema.js";

const ORDER = ["image.generate", "video.generate", "image.stitch", "video.compose", "text.process"];
const FORMULA = /^[\w\s*+.()]{1,24}$/;

let all = [];

export async function load() {
  all = (await get("/models")).data.sort((a, b) => b.available - a.available || a.title.localeCompare(b.title));
}

export const find = (id) => all.find((model) => model.id === id);
export const list = () => all;
export const kinds = () => [...new Set(all.map((model) => model.kind))].sort((a, b) => rank(a) - rank(b));
export const takingMedia = () => all.filter((model) => mediaFields(model.input_schema).length > 0);
export const first = (kind) => all.find((model) => model.kind === kind);

function rank(kind) {
  return ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length;
}

/** What it costs, before anything is filled in: a number, a short formula, or that it depends. */
export function price(model) {
  if (/^\d+$/.test(model.price)) return t("cost", { n: Number(model.price) });
  return FORMULA.test(model.price) && !/ if /.test(model.price)
    ? t("cost.formula", { formula: model.price.replaceAll("*", "×") })
    : t("cost.depends");
}

/** {element, show(model)}; `chosen(model)` hears of each choice. */
export function picker(chosen) {
  const tabs = el("div", { class: "kinds", role: "radiogroup", "aria-label": t("kind") });
  const choice = el("details", { class: "picker" });
  // It lies over the form: whoever turns to something else, or to nothing, has it out of the way.
  choice.addEventListener("focusout", (event) => choice.contains(event.relatedTarget) || (choice.open = false));
  choice.addEventListener("keydown", (event) => event.key === "Escape" && choice.open && choice.querySelector("summary").click());
  const show = (model) => {
    tabs.replaceChildren(...kindTabs(model, chosen));
    choice.open = false;
    choice.replaceChildren(
      face(model),
      options(model, (picked) => pick(picked)),
    );
  };
  const pick = (model) => {
    chosen(model);
    choice.querySelector("summary").focus();
  };
  return { element: el("div", { class: "model" }, tabs, choice), show };
}

function kindTabs(shown, chosen) {
  const group = freshId();
  return kinds().map((kind) => {
    const change = () => {
      chosen(first(kind));
      document.querySelector(".kinds input:checked")?.focus();
    };
    const input = el("input", { type: "radio", name: group, class: "hidden-input", checked: kind === shown.kind, on: { change } });
    return el(
      "label",
      { class: "kind", title: tr(`kind.${kind}`, kind) },
      input,
      el("span", {}, icon(kind), el("span", {}, tr(`kind.${kind}`, kind))),
    );
  });
}

function face(model) {
  return el("summary", { class: "picked" }, el("span", { class: "picked-name" }, model.title), availability(model), icon("down"));
}

function options(shown, pick) {
  const same = all.filter((model) => model.kind === shown.kind);
  return el(
    "ul",
    { class: "models" },
    same.map((model) =>
      el(
        "li",
        {},
        option(model, model === shown, () => pick(model)),
      ),
    ),
  );
}

function option(model, isShown, click) {
  return el(
    "button",
    { type: "button", class: "model-option", "aria-pressed": String(isShown), on: { click } },
    el("strong", {}, model.title),
    availability(model),
    el("span", { class: "about" }, model.description),
    el("span", { class: "facts" }, price(model), " · ", t("about-time", { time: span(model.typical_seconds) })),
  );
}

function availability(model) {
  return el(
    "span",
    { class: model.available ? "dot" : "dot away", title: t(model.available ? "available" : "unavailable") },
    model.available ? null : t("unavailable"),
  );
}
