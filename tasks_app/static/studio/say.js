// What is said beside the page's own words: a line at its foot, and the same to a screen reader.

import { el } from "./dom.js";
import { t, tr } from "./language.js";

const STAYS_MS = 6000;
const board = el("div", { class: "notes", role: "status", "aria-live": "polite" });

/** Where the lines stand; once in the page. */
export function place() {
  return board;
}

export function say(text, kind = "plain") {
  const note = el("p", { class: `note ${kind}` }, text);
  board.append(note);
  setTimeout(() => note.remove(), STAYS_MS);
}

/** A refusal in words: ours where we have some for its code, else the API's. */
export function words(problem) {
  if (!("code" in problem)) throw problem; // a fault of this page, for its console
  return tr(`problem.${problem.code}`, problem.message || t("problem.broken"));
}

export function complain(problem) {
  say(words(problem), "bad");
}
