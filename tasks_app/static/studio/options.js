// What is set for one item of a list beside its picture: which frame it is, how long a clip is shown.

import { choice, line, number, toggle } from "./controls.js";
import { el } from "./dom.js";
import { t } from "./language.js";
import { resolve, shape } from "./schema.js";

const MAKERS = { choice, line, number, toggle };

/** {seen, folded, value()}, with what it must say and what it may; nested objects are left to the API's own defaults. The n-th item begins with the n-th of a choice it must make. */
export function makeOptions(item, root, mediaKey, given = {}, index = 0) {
  const required = new Set(item.required ?? []);
  const places = Object.entries(item.properties)
    .map(([name, one]) => ({ name, node: resolve(one, root), isRequired: required.has(name) }))
    .filter(({ name, node }) => name !== mediaKey && MAKERS[shape(name, node, root)])
    .map((place) => ({ ...place, node: { ...place.node, description: undefined, default: beginning(place, index) } }));
  const fields = places.map((place) => MAKERS[shape(place.name, place.node, root)](place));
  fields.forEach((one) => given[one.name] !== undefined && one.set(given[one.name]));
  const kept = Object.fromEntries(
    Object.entries(given).filter(([name]) => name !== mediaKey && !places.some((place) => place.name === name)),
  );
  const value = () => ({
    ...kept,
    ...Object.fromEntries(fields.map((one) => [one.name, one.value()]).filter(([, set]) => set !== undefined)),
  });
  const must = fields.filter((_, place) => places[place].isRequired);
  const may = fields.filter((_, place) => !places[place].isRequired);
  return { seen: must.map((one) => one.element), folded: folded(may), value };
}

function beginning({ node, isRequired }, index) {
  return isRequired && node.enum && node.default === undefined ? node.enum[Math.min(index, node.enum.length - 1)] : node.default;
}

function folded(fields) {
  return fields.length
    ? el(
        "details",
        { class: "more" },
        el("summary", {}, t("form.options")),
        el(
          "div",
          { class: "fields" },
          fields.map((one) => one.element),
        ),
      )
    : null;
}
