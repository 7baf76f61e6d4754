// What every field of the form is: a label, a control, a hint, and room for what the API has to say against it.
//
// {name, element, value(), set(value), fault(message), focus()}; value() is undefined where the person has said nothing.

import { el, freshId } from "./dom.js";
import { t, tr } from "./language.js";

/** "aspect_ratio" → "Aspect ratio", or as the dictionary has it. */
export function label(name) {
  const plain = name.replaceAll("_", " ");
  return tr(`field.${name}`, plain[0].toUpperCase() + plain.slice(1));
}

/** A choice's own word: "top-left" → "Top left", and 720p stays 720p. */
export function choiceLabel(value) {
  const text = String(value);
  const plain = /^[a-z][a-z_-]+$/.test(text) ? text[0].toUpperCase() + text.slice(1).replaceAll(/[_-]/g, " ") : text;
  return tr(`choice.${value}`, plain);
}

/** A field around a control that can carry a label itself; `read` and `write` are its value()'s and set()'s. */
export function field(place, control, { read, write, beside = [] }) {
  const id = freshId();
  control.id = id;
  return frame(place, el("div", { class: "control" }, control, beside), { read, write, labelled: { for: id }, control });
}

/** A field around several controls, as a group of its own. */
export function groupField(place, content, { read, write, focus }) {
  return frame(place, content, { read, write, focus, tag: "fieldset" });
}

function frame({ name, node, isRequired, title: called = node.title ?? label(name) }, content, { read, write, focus, labelled, control, tag = "div" }) {
  const hint = node.description ? el("p", { class: "hint", id: freshId() }, node.description) : null;
  const fault = el("p", { class: "fault", id: freshId(), hidden: true });
  const title = [called, isRequired && el("span", { class: "required", title: t("form.required") }, "•")];
  const head = tag === "fieldset" ? el("legend", {}, title) : el("label", labelled, title);
  const element = el(tag, { class: "field", "data-field": name }, head, content, hint, fault);
  const described = control ?? element;
  described.setAttribute("aria-describedby", [hint?.id, fault.id].filter(Boolean).join(" "));
  return {
    name,
    element,
    value: read,
    set: write,
    focus: focus ?? (() => (control ?? element.querySelector("input, select, textarea, button"))?.focus()),
    fault(message) {
      fault.textContent = message ?? "";
      fault.hidden = !message;
      if (control) control.setAttribute("aria-invalid", Boolean(message));
      element.classList.toggle("at-fault", Boolean(message));
    },
  };
}

/** Tells the form that something was changed, where no control of the browser's does. */
export function changed(element) {
  element.dispatchEvent(new Event("change", { bubbles: true }));
}
