// All that the account ever asked for and still has, and a search in it.

import { el, icon } from "./dom.js";
import { field } from "./filters.js";
import { gallery } from "./gallery.js";
import { t, tr } from "./language.js";
import * as models from "./models.js";

const STATUSES = ["queued", "running", "succeeded", "failed", "canceled", "expired"];
const PAUSE_MS = 250;

export function page() {
  const results = gallery();
  const words = el("input", { type: "search", placeholder: t("filter.words"), "aria-label": t("filter.words"), autocomplete: "off" });
  const status = field(
    "status",
    STATUSES.map((name) => [name, t(`status.${name}`)]),
  );
  const kind = field(
    "kind",
    models.kinds().map((name) => [name, tr(`kind.${name}`, name)]),
  );
  const model = field(
    "model",
    models.list().map(({ id, title }) => [id, title]),
  );
  const [from, to] = ["from", "to"].map(() => el("input", { type: "date" }));
  const bar = el(
    "form",
    { class: "filters", role: "search" },
    el("span", { class: "search" }, icon("search"), words),
    status,
    kind,
    model,
    el("label", { class: "dated" }, t("filter.from"), from),
    el("label", { class: "dated" }, t("filter.to"), to),
  );
  const show = () => {
    const filters = {
      status: status.value,
      kind: kind.value,
      model: model.value,
      created_after: midnight(from.value),
      created_before: midnight(to.value, 1),
    };
    results.show(filters, words.value.trim());
  };
  let timer = null;
  words.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
  bar.addEventListener("change", (event) => event.target !== words && show());
  bar.addEventListener("submit", (event) => event.preventDefault());
  return { element: el("div", { class: "page" }, el("h1", {}, t("page.history")), bar, results.element), stop: results.stop };
}

/** The beginning of that day here, or of the one after it, as the API wants it. */
function midnight(day, later = 0) {
  if (!day) return "";
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
