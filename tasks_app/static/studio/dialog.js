// The browser's own dialogs: it keeps the focus in them, and gives it back.

import { el, iconButton } from "./dom.js";
import { t } from "./language.js";

/** Shows `content` over the page until it is closed; resolves to what it was closed with. */
export function shown(content, attributes = {}) {
  const dialog = el("dialog", attributes, content);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    // A click beside it closes it.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  });
}

/** Whether the person said yes. */
export async function confirmed({ title, text, action }) {
  const content = el(
    "form",
    { method: "dialog", class: "question" },
    el("h2", {}, title),
    el("p", {}, text),
    el("div", { class: "row end" }, el("button", { value: "" }, t("no")), el("button", { value: "yes", class: "danger" }, action)),
  );
  return (await shown(content, { "aria-label": title })) === "yes";
}

/** Shows what is shown only once: a key, a secret. */
export function showSecret({ title, text, secret, copy }) {
  const field = el("input", { readonly: true, value: secret, class: "code", "aria-label": title });
  field.addEventListener("focus", () => field.select());
  const content = el(
    "form",
    { method: "dialog", class: "question" },
    el("h2", {}, title),
    el("p", {}, text),
    el(
      "div",
      { class: "row" },
      field,
      iconButton("copy", t("copy"), () => copy(secret)),
    ),
    el("div", { class: "row end" }, el("button", { class: "primary" }, t("done"))),
  );
  return shown(content, { "aria-label": title });
}
