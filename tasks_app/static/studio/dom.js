// Elements by functions. Nothing of ours turns text into markup: the page's policy forbids it, and what people typed stays text.

const SVG = "http://www.w3.org/2000/svg";

/** el("button", {class: "quiet", on: {click}, "aria-label": "Close"}, icon("close")): false and null are left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(made, name, value);
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function put(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
  else if (name === "style") for (const [property, text] of Object.entries(value)) made.style.setProperty(property, text);
  else if (name === "value") made.value = value;
  else made.setAttribute(name, value === true ? "" : value);
}

let last = 0;

/** An id that no other element has. */
export function freshId() {
  last += 1;
  return `x${last}`;
}

/** A drawing of 24 × 24, hidden from readers: what it stands on says in words what it means. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  for (const [attribute, value] of [
    ["viewBox", "0 0 24 24"],
    ["class", "icon"],
    ["aria-hidden", "true"],
  ])
    drawing.setAttribute(attribute, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.mark);
  drawing.append(path);
  return drawing;
}

/** A button with a drawing, and words for who does not see it. */
export function iconButton(name, label, click, attributes = {}) {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click }, ...attributes },
    icon(name),
  );
}

// Drawn by hand, in strokes.
const ICONS = {
  mark: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  create: "M12 5v14M5 12h14",
  history: "M4 5h6v6H4zM14 5h6v6h-6zM4 15h6v5H4zM14 15h6v5h-6z",
  usage: "M5 20V11M12 20V4M19 20v-6",
  keys: "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M16 7l3 3",
  webhooks: "M5 12a7 7 0 0 1 14 0M8.5 12a3.5 3.5 0 0 1 7 0M12 12v8",
  "image.generate": "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  "video.generate": "M4 6h11v12H4zM15 11l5-3v8l-5-3",
  "image.stitch": "M4 4h7v16H4zM13 4h7v7h-7zM13 13h7v7h-7z",
  "video.compose": "M3 7h18v10H3zM8 7v10M16 7v10M3 12h18",
  "text.process": "M5 6h14M5 11h14M5 16h9",
  look: "M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8z",
  out: "M10 5H5v14h5M14 8l4 4-4 4M18 12H9",
  close: "M6 6l12 12M18 6L6 18",
  earlier: "M14 6l-6 6 6 6",
  later: "M10 6l6 6-6 6",
  up: "M6 14l6-6 6 6",
  down: "M6 10l6 6 6-6",
  add: "M12 5v14M5 12h14",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  again: "M19 12a7 7 0 1 1-2-5M19 4v4h-4",
  remove: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  use: "M4 12h12M11 7l5 5-5 5M20 5v14",
  sound: "M5 10v4h4l5 4V6l-5 4zM17 9a4 4 0 0 1 0 6",
  search: "M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM16 16l4 4",
};
