// The plain controls: texts, numbers, choices, switches, lists.

import { el, freshId } from "./dom.js";
import { choiceLabel, field, groupField } from "./field.js";
import { t } from "./language.js";

const FEW = 10; // choices that are shown side by side
const SHORT = 9; // characters of each of those
const RANGE = 10_000; // values from which no slider helps any more

export function line(place) {
  const { node } = place;
  const control = el("input", {
    type: "text",
    maxlength: node.maxLength,
    placeholder: node.examples?.[0] ?? node.default,
    autocomplete: "off",
  });
  return field(place, control, texts(control));
}

export function writing(place) {
  const rows = place.name === "prompt" ? 4 : 3;
  const control = el("textarea", { rows, maxlength: place.node.maxLength, placeholder: place.name === "prompt" ? t("form.prompt") : null });
  return field(place, control, texts(control));
}

function texts(control) {
  return {
    read: () => (control.value.trim() === "" ? undefined : control.value),
    write: (value) => {
      control.value = value ?? "";
    },
  };
}

export function lines(place) {
  const control = el("textarea", { rows: 3, placeholder: t("form.one-a-line") });
  return field(
    place,
    control,
    listed(control, (text) => text),
  );
}

export function numbers(place) {
  const control = el("textarea", { rows: 3, inputmode: "decimal", placeholder: t("form.one-a-line") });
  return field(place, control, listed(control, Number));
}

function listed(control, read) {
  const items = () => control.value.split("\n").filter((text) => text.trim());
  return {
    read: () => (items().length ? items().map(read) : undefined),
    write: (value) => {
      control.value = (value ?? []).join("\n");
    },
  };
}

export function number(place) {
  const { node } = place;
  const step = node.multipleOf ?? (node.type === "integer" ? 1 : "any");
  const bounds = { min: node.minimum, max: node.maximum, step };
  const blank = node.default ?? (place.isRequired ? null : t("form.automatic"));
  const control = el("input", { type: "number", inputmode: "decimal", placeholder: blank, ...bounds });
  const slides = node.default !== undefined && node.maximum - (node.minimum ?? 0) <= RANGE;
  const slider = slides
    ? el("input", { type: "range", ...bounds, step: step === "any" ? fine(node) : step, tabindex: -1, "aria-hidden": "true" })
    : null;
  const write = (value) => {
    control.value = value ?? node.default ?? "";
    if (slider) slider.value = control.value;
  };
  slider?.addEventListener("input", () => write(slider.value));
  control.addEventListener("input", () => slider && (slider.value = control.value));
  write();
  const read = () => (control.value === "" ? undefined : Number(control.value));
  return field(place, control, { read, write, beside: slider ?? [] });
}

/** How far a slider goes at once over numbers that need not be whole. */
export function fine({ minimum = 0, maximum }) {
  return maximum - minimum <= 5 ? 0.05 : 0.5;
}

export function toggle(place) {
  const control = el("input", { type: "checkbox", role: "switch" });
  const write = (value) => {
    control.checked = value ?? place.node.default ?? false;
  };
  write();
  const made = field(place, control, {
    read: () => (control.checked === (place.node.default ?? false) ? undefined : control.checked),
    write,
  });
  made.element.classList.add("toggle");
  return made;
}

export function choice(place) {
  const { node } = place;
  const isShort = node.enum.length <= FEW && node.enum.every((value) => choiceLabel(value).length <= SHORT);
  return isShort ? chips(place) : select(place);
}

function select(place) {
  const { node } = place;
  const unset = node.default === undefined ? el("option", { value: "" }, t("form.automatic")) : null;
  const options = node.enum.map((value, index) => el("option", { value: index }, choiceLabel(value)));
  const control = el("select", {}, unset, options);
  const write = (value = node.default) => {
    control.value = node.enum.includes(value) ? node.enum.indexOf(value) : "";
  };
  write();
  return field(place, control, { read: () => (control.value === "" ? undefined : node.enum[control.value]), write });
}

/** Radio buttons that look like one row of buttons; arrows move in it, as in any. */
function chips(place) {
  const { node } = place;
  const group = freshId();
  const values = node.default === undefined ? [undefined, ...node.enum] : node.enum;
  const buttons = values.map((value) => el("input", { type: "radio", name: group, class: "hidden-input" }));
  const labels = buttons.map((button, index) => {
    const text = values[index] === undefined ? t("form.automatic") : choiceLabel(values[index]);
    return el("label", { class: "chip" }, button, el("span", {}, ratio(place.name, values[index]), text));
  });
  const write = (value = node.default) => {
    buttons.forEach((button, index) => {
      button.checked = values[index] === value;
    });
  };
  write();
  const read = () => values[buttons.findIndex((button) => button.checked)];
  const focus = () => (buttons.find((button) => button.checked) ?? buttons[0]).focus();
  return groupField(place, el("div", { class: "chips" }, labels), { read, write, focus });
}

/** A little frame of the shape that the choice gives a picture. */
function ratio(name, value) {
  if (name !== "aspect_ratio" || !value) return null;
  const [width, height] = value.split(":").map(Number);
  return el("i", { class: "shape", "aria-hidden": "true", style: { "--shape": width / height } });
}

/** Any number of the choices, in the order in which the schema has them. */
export function choices(place) {
  const values = place.node.items.enum;
  const boxes = values.map(() => el("input", { type: "checkbox", class: "hidden-input" }));
  const labels = boxes.map((box, index) => el("label", { class: "chip" }, box, el("span", {}, choiceLabel(values[index]))));
  const write = (value = []) => {
    boxes.forEach((box, index) => {
      box.checked = value.includes(values[index]);
    });
  };
  const read = () => {
    const chosen = values.filter((_, index) => boxes[index].checked);
    return chosen.length ? chosen : undefined;
  };
  return groupField(place, el("div", { class: "chips" }, labels), { read, write });
}

/** For what has no control of its own: JSON, as it is sent. */
export function json(place) {
  const control = el("textarea", { rows: 3, class: "code", placeholder: "{ }", spellcheck: "false" });
  const write = (value) => {
    control.value = value === undefined ? "" : JSON.stringify(value, null, 2);
  };
  return field(place, control, { read: () => readJson(control.value), write });
}

function readJson(text) {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text; // the API says what it should have been
  }
}
