// A form made from a model's input schema: what a person fills in becomes the input of a task.

import * as controls from "./controls.js";
import { el } from "./dom.js";
import { groupField, label } from "./field.js";
import { t } from "./language.js";
import { media, medias } from "./media.js";
import * as schemas from "./schema.js";

const MAKERS = { ...controls, media, medias, group };

/** {element, value(), set(input), fault(errors), add(entry), take(files), stop()} for one model. */
export function makeForm(model) {
  const { list, element } = fieldsOf(model.input_schema, model.input_schema);
  const named = Object.fromEntries(list.map((one) => [one.name, one]));
  const media = list.filter((one) => one.add);
  return {
    element,
    value: () => collected(list),
    set: (input) => list.forEach((one) => one.set(input[one.name])),
    /** Says each fault beside its field; returns those that no field is at fault for. */
    fault(errors) {
      list.forEach((one) => one.fault(""));
      const strangers = errors.filter((error) => !named[nameIn(error.field)]);
      for (const error of errors) named[nameIn(error.field)]?.fault(spoken(error));
      const first = list.find((one) => one.element.classList.contains("at-fault"));
      first?.element.closest("details")?.setAttribute("open", "");
      return strangers;
    },
    focusFault: () => list.find((one) => one.element.classList.contains("at-fault"))?.focus(),
    focus: () => list[0]?.focus(),
    /** Ends what is on its way up. */
    stop: () => media.forEach((one) => one.stop()),
    isUploading: () => media.some((one) => one.isUploading()),
    takesMedia: media.length > 0,
    /** Puts a picture or a video into the first field that has room for it; whether one had. */
    add: (entry) => media.some((one) => one.add(entry)),
    take: (files) => media[0]?.take(files),
  };
}

/** The fields of an object: those in sight, and the others below a line that opens. */
function fieldsOf(node, root) {
  const { inSight, folded } = schemas.fields(node, root);
  const make = (place) => maker(place, root)({ ...place, root });
  const [seen, hidden] = [inSight.map(make), folded.map(make)];
  const more = hidden.length
    ? el(
        "details",
        { class: "more" },
        el("summary", {}, t("form.more")),
        el(
          "div",
          { class: "fields" },
          hidden.map((one) => one.element),
        ),
      )
    : null;
  return {
    list: [...seen, ...hidden],
    element: el(
      "div",
      { class: "fields" },
      seen.map((one) => one.element),
      more,
    ),
  };
}

/** What makes the field of such a place. */
export function maker({ name, node }, root) {
  return MAKERS[schemas.shape(name, node, root)];
}

/** An object within the input; it is sent where somebody has set something in it. */
function group(place) {
  const { list } = fieldsOf({ ...place.node, required: [] }, place.root);
  const fields = el(
    "div",
    { class: "fields" },
    list.map((one) => one.element),
  );
  const content = el("details", { class: "group" }, el("summary", {}, label(place.name)), fields);
  const blank = JSON.stringify(collected(list));
  const read = () => {
    const value = collected(list);
    return JSON.stringify(value) === blank ? undefined : value;
  };
  const write = (value) => list.forEach((one) => one.set(value?.[one.name]));
  return groupField(place, content, { read, write });
}

/** What was said in a list of fields, by their names. */
export function collected(list) {
  return Object.fromEntries(list.map((one) => [one.name, one.value()]).filter(([, value]) => value !== undefined));
}

/** "clips[2].source" → "clips" */
function nameIn(path) {
  return path.split(/[.[]/, 1)[0];
}

/** The message, with the place inside the field where it is not about the whole of it: people count from 1. */
function spoken({ field, message }) {
  const [, place, rest] = /^[^.[]*(?:\[(\d+)\])?\.?(.*)$/.exec(field);
  const parts = [place !== undefined && t("form.item", { n: Number(place) + 1 }), rest && label(rest.split(".").at(-1))].filter(Boolean);
  return parts.length ? `${parts.join(", ")}: ${message}` : message;
}
