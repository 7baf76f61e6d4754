// A camera's way over a picture: where it begins and where it ends, each a part of it, drawn on the picture and moved there by hand or by sliders.

import { el } from "./dom.js";
import { field, label } from "./field.js";
import { number } from "./language.js";
import { resolve } from "./schema.js";

const PARTS = ["zoom", "x", "y"];
const NEARER = 1.4; // where a way that was just asked for ends: it is to be seen
const PLAYS_MS = 2500;

/** Whether an object is such a way: all that it holds are parts of a picture. */
export function isWay(node, root) {
  const within = Object.values(node.properties ?? {}).map((one) => Object.keys(resolve(one, root).properties ?? {}));
  return within.length > 1 && within.every((names) => names.length === PARTS.length && PARTS.every((name) => names.includes(name)));
}

export function motion(place) {
  const views = Object.entries(place.node.properties).map(([name, one]) => view(name, resolve(one, place.root), place.root));
  const control = el("input", { type: "checkbox", role: "switch" });
  const stage = el(
    "div",
    { class: "camera", hidden: true },
    views.map((one) => one.element),
  );
  const read = () => (control.checked ? Object.fromEntries(views.map((one) => [one.name, one.value()])) : undefined);
  const write = (value) => {
    control.checked = value !== undefined;
    stage.hidden = !control.checked;
    views.forEach((one, index) => one.set(value?.[one.name] ?? (index ? { zoom: NEARER } : {})));
  };
  write();
  const made = field(place, control, { read, write });
  made.element.classList.add("toggle", "motion");
  made.element.append(stage);
  let picture = null;
  const play = () => {
    stage.hidden = !control.checked;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!picture || isCalm) return;
    picture.getAnimations().forEach((one) => one.cancel());
    if (control.checked) picture.animate(views.map((one) => one.seen()), { duration: PLAYS_MS, easing: "linear" });
  };
  made.element.addEventListener("input", play);
  return Object.assign(made, {
    show(entry, face) {
      picture = face;
      views.forEach((one) => one.show(entry));
    },
  });
}

/** One part of the picture. */
function view(name, node, root) {
  const sliders = PARTS.map((part) => slider(part, resolve(node.properties[part], root)));
  const [zoom, x, y] = sliders;
  const frame = el("i", { class: "camera-frame" });
  const picture = el("img", { alt: "", draggable: "false" });
  const canvas = el("div", { class: "camera-picture", "aria-hidden": "true" }, picture, frame);
  const draw = () => {
    const part = 1 / zoom.value();
    [x, y].forEach((one) => one.hold(part === 1)); // the whole can be moved nowhere
    frame.style.setProperty("--part", part);
    frame.style.setProperty("--left", inside(x.value(), part) - part / 2);
    frame.style.setProperty("--top", inside(y.value(), part) - part / 2);
  };
  const point = (event) => {
    if (!event.buttons) return;
    const box = canvas.getBoundingClientRect();
    x.set((event.clientX - box.left) / box.width);
    y.set((event.clientY - box.top) / box.height);
    canvas.dispatchEvent(new Event("input", { bubbles: true }));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    point(event);
  });
  canvas.addEventListener("pointermove", point);
  const element = el(
    "fieldset",
    { class: "camera-view", on: { input: draw } },
    el("legend", {}, label(name)),
    canvas,
    sliders.map((one) => one.element),
  );
  return {
    name,
    element,
    value: () => Object.fromEntries(sliders.map((one) => [one.name, one.value()])),
    set(value) {
      sliders.forEach((one) => one.set(value[one.name]));
      draw();
    },
    show: ({ thumbnail }) => thumbnail && picture.getAttribute("src") !== thumbnail && picture.setAttribute("src", thumbnail),
    seen() {
      const part = 1 / zoom.value();
      const [right, down] = [x, y].map((one) => (0.5 - inside(one.value(), part)) * 100);
      return { transform: `scale(${zoom.value()}) translate(${right}%, ${down}%)` };
    },
  };
}

/** The middle of a part, moved in where the part would pass the picture's border. */
function inside(middle, part) {
  return Math.min(Math.max(middle, part / 2), 1 - part / 2);
}

function slider(name, { minimum, maximum, default: blank }) {
  const control = el("input", { type: "range", min: minimum, max: maximum, step: 0.01 });
  const told = el("output", {});
  const tell = () => told.replaceChildren(number(Number(control.value)));
  control.addEventListener("input", tell);
  return {
    name,
    element: el("label", { class: "camera-slider" }, el("span", {}, label(name)), control, told),
    value: () => Number(control.value),
    set(value = blank) {
      control.value = value;
      tell();
    },
    hold(isHeld) {
      control.disabled = isHeld;
    },
  };
}
