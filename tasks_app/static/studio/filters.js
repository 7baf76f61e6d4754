// A choice that narrows a list; at first it does not.

import { el } from "./dom.js";
import { t } from "./language.js";

/** `choices` are [value, words]. */
export function field(name, choices) {
  const all = el("option", { value: "" }, t(`filter.${name}`));
  return el(
    "select",
    { "aria-label": t(`filter.${name}`), name },
    all,
    choices.map(([value, words]) => el("option", { value }, words)),
  );
}
