// Fields that take pictures, videos and sounds: dropped, pasted, picked from the disk, or results of the gallery. A list has an order,
// which is changed by dragging, or by the buttons on each.

import { el, icon, iconButton } from "./dom.js";
import { begun, DRAGGED, ofFile, ofReference, picture } from "./entry.js";
import { changed, groupField, label } from "./field.js";
import { t } from "./language.js";
import { words } from "./say.js";
import { mediaOf, resolve } from "./schema.js";
import { sortable } from "./sortable.js";

const TAKES = "image/*,video/*,audio/*,.srt,.vtt,.ass";

export function media(place) {
  return shelf(place, { most: 1, read: ([entry]) => entry?.ref, write: (ref) => (ref ? [ofReference(ref)] : []) });
}

export function medias(place) {
  const item = resolve(place.node.items, place.root);
  const key = mediaOf(item, place.root);
  const read = (entries) =>
    entries.length ? entries.map((entry) => (key ? { ...(entry.options?.value() ?? entry.given), [key]: entry.ref } : entry.ref)) : undefined;
  const write = (value) => (value ?? []).map((one) => (key ? { ...ofReference(one[key]), given: one } : ofReference(one)));
  return shelf(place, {
    most: place.node.maxItems ?? Infinity,
    read,
    write,
    item: key && { node: item, root: place.root, key },
  });
}

/** The field itself: a row of what was put there, and a place to put more. */
function shelf(place, { most, read, write, item }) {
  let entries = [];
  let failed = ""; // why the last upload did not get through, until something else is put here
  const row = el("ol", { class: item ? "shelf rows-of-clips" : "shelf" });
  const input = el("input", {
    type: "file",
    accept: TAKES,
    multiple: most > 1,
    class: "hidden-input",
    "aria-label": t("media.pick", { what: label(place.name) }),
  });
  const room = el("label", { class: "drop" }, input, el("span", {}, icon("add"), el("span", {}, t(most > 1 ? "media.many" : "media.one"))));
  const content = el("div", { class: "media" }, row, room);
  const made = groupField(place, content, {
    read: () => read(entries.filter((entry) => entry.ref)),
    write: (value) => refill(write(value)),
    focus: () => input.focus(),
  });

  const { fault } = made;
  made.fault = (message) => fault(message || failed);

  let rows = null; // the module that draws items with options, once some are here
  const equip = async () => {
    if (!item) return;
    rows ??= await import("./clips.js").then(({ load }) => load());
    entries.forEach((entry, index) => {
      entry.options ??= rows.options(item, entry.given, index);
    });
  };
  const draw = () => {
    const drawn = rows?.row ?? tile;
    row.replaceChildren(...entries.map((entry, index) => drawn(entry, index, { count: entries.length, move, take })));
    room.hidden = entries.length >= most;
  };
  const settle = () => {
    draw();
    changed(made.element);
  };
  const move = (from, to) => {
    entries.splice(to, 0, ...entries.splice(from, 1));
    settle();
    const [earlier, later] = row.children[to].querySelectorAll(".earlier, .later");
    const ways = to > from ? [later, earlier] : [earlier, later]; // on in the same way, while it can go there
    ways.find((way) => !way.disabled)?.focus();
  };
  const drop = (entry) => {
    entries = entries.filter((one) => one !== entry);
    settle();
  };
  const take = (entry) => {
    entry.stop?.();
    drop(entry);
    input.focus();
  };
  const refill = (found) => {
    entries = found;
    draw();
    if (item && entries.length) equip().then(settle);
    entries.forEach((entry) =>
      entry.lookUp?.().then(
        (known) => known && Object.assign(entry, known) && draw(),
        () => {},
      ),
    );
  };
  const add = (entry) => {
    if (entries.length >= most) return false;
    failed = "";
    entries.push({ ...entry });
    settle();
    if (item) equip().then(settle);
    return true;
  };
  const upload = async (file) => {
    const ending = new AbortController();
    if (!add(begun(file, () => ending.abort()))) return;
    const mine = entries.at(-1);
    try {
      Object.assign(mine, await ofFile(file, mine, ending.signal));
      settle();
    } catch (problem) {
      if (ending.signal.aborted) return;
      failed = words(problem);
      drop(mine);
      made.fault();
    }
  };
  const takeFiles = (files) => [...files].forEach(upload);

  const stop = () => entries.forEach((entry) => entry.stop?.());

  input.addEventListener("change", () => {
    takeFiles(input.files);
    input.value = "";
  });
  dropping(content, { takeFiles, add });
  sortable(row, move);
  return Object.assign(made, { add, take: takeFiles, isUploading: () => entries.some((entry) => entry.bar), stop });
}

function tile(entry, index, { count, move, take }) {
  const buttons = el(
    "div",
    { class: "tile-buttons" },
    count > 1 &&
      iconButton("earlier", t("media.earlier"), () => move(index, index - 1), { class: "icon-button earlier", disabled: index === 0 }),
    count > 1 &&
      iconButton("later", t("media.later"), () => move(index, index + 1), { class: "icon-button later", disabled: index === count - 1 }),
    iconButton("close", t(entry.bar ? "media.stop" : "media.remove"), () => take(entry)),
  );
  const face = el(
    "div",
    { class: "face" },
    picture(entry),
    count > 1 && el("span", { class: "place" }, String(index + 1)),
    entry.bar,
    buttons,
  );
  return el("li", { class: "tile", draggable: count > 1 ? "true" : null }, face);
}

/** Files and cards of the gallery may be dropped anywhere on the field. */
function dropping(zone, { takeFiles, add }) {
  const takes = (event) => event.dataTransfer.types.includes("Files") || event.dataTransfer.types.includes(DRAGGED);
  zone.addEventListener("dragover", (event) => {
    if (!takes(event)) return;
    event.preventDefault();
    zone.classList.add("is-over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("is-over");
    if (!takes(event)) return;
    event.preventDefault();
    const entry = event.dataTransfer.getData(DRAGGED);
    if (entry) add(JSON.parse(entry));
    else takeFiles(event.dataTransfer.files);
  });
}
