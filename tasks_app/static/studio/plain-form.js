// A short form of our own: fields with labels, each with what the API says against it.

import { el, freshId } from "./dom.js";
import { label } from "./field.js";
import { words } from "./say.js";

/** {element, control, fault(message)} */
export function input(name, attributes = {}) {
  const control = el("input", { type: "text", id: freshId(), name, autocomplete: "off", ...attributes });
  return around(name, control, el("label", { for: control.id }, label(name)));
}

export function around(name, control, head, tag = "div") {
  const fault = el("p", { class: "fault", id: freshId(), hidden: true });
  control.setAttribute("aria-describedby", fault.id);
  const element = el(tag, { class: control.type === "checkbox" ? "field toggle" : "field", "data-field": name }, head, control, fault);
  return {
    element,
    control,
    fault(message) {
      fault.textContent = message;
      fault.hidden = !message;
    },
  };
}

/** The form: `send(controls)` does what it is for; what it is refused with is shown here. */
export function asked({ title, fields, shown, folded, send }) {
  const wrong = el("p", { class: "fault", role: "alert", hidden: true });
  const button = el("button", { class: "primary" }, title);
  const more =
    folded &&
    el(
      "details",
      { class: "more" },
      el("summary", {}, folded[0]),
      el(
        "div",
        { class: "fields" },
        folded[1].map((one) => one.element),
      ),
    );
  const form = el(
    "form",
    { class: "plain-form", novalidate: true, "aria-label": title },
    el("h2", {}, title),
    shown.map((one) => one.element),
    more,
    wrong,
    el("div", { class: "row end" }, button),
  );
  const controls = Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, one.control]));
  const complain = (message, errors = []) => {
    Object.values(fields).forEach((one) => one.fault(""));
    for (const { field, message: why } of errors) fields[field.split(/[.[]/, 1)[0]]?.fault(why);
    const isSaidThere = errors.some(({ field }) => field.split(/[.[]/, 1)[0] in fields);
    wrong.textContent = isSaidThere ? "" : message;
    wrong.hidden = isSaidThere || !message;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await send(controls);
      complain("");
      form.reset();
    } catch (problem) {
      complain(words(problem), problem.errors);
    } finally {
      button.disabled = false;
    }
  });
  return form;
}
