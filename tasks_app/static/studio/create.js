// The first page: what one writes on the left, what came of it on the right.

import { composer } from "./composer.js";
import { el } from "./dom.js";
import { gallery } from "./gallery.js";
import { t } from "./language.js";
import * as models from "./models.js";

export async function page() {
  if (!models.list().length) return { element: el("p", { class: "empty" }, t("create.none")) };
  const writing = await composer();
  const results = gallery();
  const element = el(
    "div",
    { class: "create" },
    el(
      "section",
      { class: "desk", "aria-labelledby": "writing" },
      el("h1", { class: "unseen", id: "writing" }, t("page.create")),
      writing.element,
    ),
    el(
      "section",
      { class: "wall", "aria-labelledby": "results" },
      el("h2", { class: "unseen", id: "results" }, t("results")),
      results.element,
    ),
  );
  const stop = () => {
    writing.stop();
    results.stop();
  };
  return { element, stop, focus: writing.focus };
}
