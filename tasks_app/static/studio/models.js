// The models that can be asked for, and the choice among them: first what is to be made, then by whom.

import { get } from "./api.js";
import { el, freshId, icon } from "./dom.js";
import { span, t, tr } from "./language.js";
import { complain } from "./say.js";

const ORDER = ["image.generate", "video.generate", "image.stitch", "video.compose", "text.process"];
const FORMULA = /^[\w\s*+.()]{1,24}$/;

// With many vendors there are many models: at first only this is asked of each, and the rest when somebody looks at it.
const LISTED = "id,kind,title,available,takes_media";
const DESCRIBED = "id,description,price,typical_seconds";

let all = [];

export async function load() {
  const { data } = await get(`/models?fields=${LISTED}`);
  all = data.sort((a, b) => b.available - a.available || a.title.localeCompare(b.title));
}

/** Has all that there is to know of the model in it. */
export async function complete(model) {
  if (!model.input_schema) Object.assign(model, await get(`/models/${model.id}`));
}

async function describe(kind) {
  if (all.every((model) => model.kind !== kind || model.price !== undefined)) return;
  const { data } = await get(`/models?kind=${kind}&fields=${DESCRIBED}`);
  for (const told of data) Object.assign(find(told.id) ?? {}, told);
}

export const find = (id) => all.find((model) => model.id === id);
export const list = () => all;
export const kinds = () => [...new Set(all.map((model) => model.kind))].sort((a, b) => rank(a) - rank(b));
export const takingMedia = () => all.filter((model) => model.takes_media);
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

/** {element, show(model)}; `chosen(model)` hears of each choice, and resolves when it is shown. */
export function picker(chosen) {
  const tabs = el("div", { class: "kinds", role: "radiogroup", "aria-label": t("kind") });
  const choice = el("details", { class: "picker" });
  // It lies over the form: whoever turns to something else, or to nothing, has it out of the way.
  choice.addEventListener("focusout", (event) => choice.contains(event.relatedTarget) || (choice.open = false));
  choice.addEventListener("keydown", (event) => event.key === "Escape" && choice.open && choice.querySelector("summary").click());
  const show = (model) => {
    const list = options(model, (picked) => pick(picked));
    tabs.replaceChildren(...kindTabs(model, chosen));
    choice.open = false;
    choice.replaceChildren(face(model), list.element);
    choice.ontoggle = () => choice.open && describe(model.kind).then(list.draw, complain);
  };
  const pick = async (model) => {
    await chosen(model);
    choice.querySelector("summary").focus();
  };
  return { element: el("div", { class: "model" }, tabs, choice), show };
}

function kindTabs(shown, chosen) {
  const group = freshId();
  return kinds().map((kind) => {
    const change = async () => {
      await chosen(first(kind));
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

/** {element, draw()}: the buttons stay, so that whoever is on one keeps the focus while the descriptions come. */
function options(shown, pick) {
  const same = all.filter((model) => model.kind === shown.kind);
  const buttons = same.map((model) => option(model === shown, () => pick(model)));
  const draw = () => same.forEach((model, index) => buttons[index].replaceChildren(...words(model)));
  draw();
  const lines = buttons.map((button) => el("li", {}, button));
  return { element: el("ul", { class: "models" }, lines), draw };
}

function option(isShown, click) {
  return el("button", { type: "button", class: "model-option", "aria-pressed": String(isShown), on: { click } });
}

function words(model) {
  const name = [el("strong", {}, model.title), availability(model)];
  if (model.price === undefined) return name;
  const facts = [price(model), " · ", t("about-time", { time: span(model.typical_seconds) })];
  return [...name, el("span", { class: "about" }, model.description), el("span", { class: "facts" }, facts)];
}

function availability(model) {
  return el(
    "span",
    { class: model.available ? "dot" : "dot away", title: t(model.available ? "available" : "unavailable") },
    model.available ? null : t("unavailable"),
  );
}
