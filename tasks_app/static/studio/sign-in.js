// The door: an API key opens a session, and is forgotten.

import { get, session } from "./api.js";
import { el, icon } from "./dom.js";
import { LANGUAGES, choose, language, t } from "./language.js";
import { words } from "./say.js";

/** `entered()` is called once the session is open; `why` says why one stands here again. */
export function signIn(entered, why = "") {
  const key = el("input", {
    type: "password",
    id: "key",
    name: "key",
    autocomplete: "off",
    required: true,
    placeholder: "dk_…",
    "aria-describedby": "key-fault",
  });
  const fault = el("p", { class: "fault", id: "key-fault", role: "alert", hidden: !why }, why);
  const button = el("button", { class: "primary" }, t("sign-in"));
  const form = el(
    "form",
    { class: "door", "aria-label": t("sign-in") },
    el("span", { class: "mark" }, icon("mark")),
    el("h1", {}, "Darkroom"),
    el("p", { class: "hint" }, t("sign-in.about")),
    el("div", { class: "field" }, el("label", { for: "key" }, t("sign-in.key")), key, fault),
    button,
    el(
      "p",
      { class: "languages" },
      Object.entries(LANGUAGES)
        .filter(([name]) => name !== language())
        .map(([name, shown]) => el("button", { type: "button", class: "link", lang: name, on: { click: () => choose(name) } }, shown)),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await session("POST", { key: key.value });
      if (!(await isKept())) throw Object.assign(new Error(t("sign-in.not-kept")), { code: "not_kept" });
      key.value = "";
      await entered();
    } catch (problem) {
      fault.textContent = words(problem);
      fault.hidden = false;
      key.focus();
    } finally {
      button.disabled = false;
    }
  });
  return { element: el("main", { class: "entrance" }, form), focus: () => key.focus() };
}

/** Whether the browser took the session: it does not by http, where the server is known by https. */
async function isKept() {
  try {
    await get("/account");
    return true;
  } catch (problem) {
    if (problem.status === 401) return false;
    throw problem;
  }
}
