// What is said about one item of a list beside its picture, as the list's schema has it: which frame it is, how long a clip is shown, how it
// comes in.
//
// `x-of` in the schema says that a property is for a video or an image only, `x-between` that it needs a neighbour before it.

import * as controls from "./controls.js";
import { el } from "./dom.js";
import { choiceLabel, groupField, label } from "./field.js";
import { collected, maker } from "./form.js";
import { number, t, tr } from "./language.js";
import { isWay, motion } from "./motion.js";
import { resolve, shape } from "./schema.js";

/** {element, value(), suit(entry, index, picture)}; the n-th item begins with the n-th of a choice it must make. */
export function makeOptions({ node, root, key }, given = {}, index = 0) {
  const places = placesIn(node, root).filter(({ name }) => name !== key);
  const options = places.map((place) => option({ ...place, node: { ...place.node, default: beginning(place, index) } })).filter(Boolean);
  const named = Object.fromEntries(options.map((one) => [one.name, one]));
  options.forEach((one) => given[one.name] !== undefined && one.set(given[one.name]));
  const kept = Object.entries(given).filter(([name]) => name !== key && !(name in named));

  const value = () => ({ ...Object.fromEntries(kept), ...collected(options.filter((one) => !one.element.hidden)) });
  const tags = el("span", { class: "clip-told" });
  let shown = { entry: {}, index };
  const settle = () => {
    const barred = barredBy(node, value());
    for (const one of options) one.element.hidden = barred.has(one.name) || !one.fits(shown.entry, shown.index);
    const said = options.filter((one) => !one.isRequired && !one.element.hidden && one.value() !== undefined);
    tags.replaceChildren(...said.map((one) => el("span", { class: "tag" }, told(one))));
  };
  const [must, may] = [options.filter((one) => one.isRequired), options.filter((one) => !one.isRequired)];
  const element = el("div", { class: "clip-options", on: { input: settle, change: settle } }, fieldsOf(must), may.length > 0 && folded(may, tags));
  return {
    element,
    value,
    suit(entry, place, picture) {
      shown = { entry, index: place };
      options.forEach((one) => one.show?.(entry, picture));
      settle();
    },
  };
}

/** The fields of an object, in its own order. */
function placesIn(node, root) {
  const required = new Set(node.required ?? []);
  return Object.entries(node.properties).map(([name, one]) => {
    const title = tr(`option.${name}`, label(name));
    return { name, title, root, node: { ...resolve(one, root), description: undefined }, isRequired: required.has(name) };
  });
}

function option(place) {
  const { title, node, root, isRequired } = place;
  const make = makerOf(place);
  if (!make) return null;
  const made = make(place);
  return {
    ...made,
    title,
    isRequired,
    value: () => (made.value() === node.default && !isRequired ? undefined : made.value()),
    fits: ({ type }, index) => (!node["x-of"] || !type || node["x-of"] === type) && !(node["x-between"] && index === 0),
  };
}

/** Media within an item are left to whoever writes JSON. */
function makerOf(place) {
  const { name, node, root } = place;
  const kind = isWay(node, root) ? "motion" : shape(name, node, root);
  return { ...controls, motion, group: together }[kind];
}

/** An object of few fields, without a fold of its own. */
function together(place) {
  const list = placesIn({ ...place.node, required: [] }, place.root).map((one) => maker(one, place.root)(one));
  const blank = JSON.stringify(collected(list));
  const read = () => (JSON.stringify(collected(list)) === blank ? undefined : collected(list));
  const write = (value) => list.forEach((one) => one.set(value?.[one.name]));
  return groupField(place, fieldsOf(list), { read, write });
}

function beginning({ node, isRequired }, index) {
  return isRequired && node.enum && node.default === undefined ? node.enum[Math.min(index, node.enum.length - 1)] : node.default;
}

/** What may not stand beside what was set. */
function barredBy({ dependentSchemas = {} }, value) {
  const rules = Object.entries(dependentSchemas).filter(([name]) => name in value);
  return new Set(rules.flatMap(([, { properties }]) => Object.keys(properties).filter((name) => properties[name] === false)));
}

/** An option that was set, in a few words: those of its own, else of its choice, else its name. */
function told({ name, title, value }) {
  const set = value();
  if (typeof set === "number") return tr(`told.${name}`, `${title} {n}`).replace("{n}", number(set));
  const word = [set, ...Object.values(set)].find((one) => typeof one === "string");
  return word ? choiceLabel(word) : title;
}

function folded(options, tags) {
  return el("details", { class: "more" }, el("summary", {}, t("form.options"), tags), fieldsOf(options));
}

function fieldsOf(list) {
  const elements = list.map((one) => one.element);
  return list.length > 0 && el("div", { class: "fields" }, elements);
}
