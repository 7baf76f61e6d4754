// Where the page begins: at the door, or at the page that the address names.

import * as account from "./account.js";
import { session } from "./api.js";
import * as create from "./create.js";
import { el, icon, iconButton } from "./dom.js";
import * as language from "./language.js";
import { t } from "./language.js";
import * as live from "./live.js";
import * as models from "./models.js";
import * as picks from "./picks.js";
import { complain, place as notes, say } from "./say.js";
import * as tasks from "./tasks.js";
import { turn } from "./theme.js";

// What is not needed at first is loaded when it is gone to.
const PAGES = {
  create: { hash: "#/", load: async () => create },
  history: { hash: "#/history", load: () => import("./history.js") },
  usage: { hash: "#/usage", load: () => import("./usage.js") },
  keys: { hash: "#/keys", load: () => import("./keys.js") },
  webhooks: { hash: "#/webhooks", load: () => import("./webhooks.js") },
};

const root = document.getElementById("studio");
let shown = null;
let newest = 0; // of the ways to a page: who has gone on meanwhile does not come back to the one before
let isIn = false;

async function begin() {
  const isSignedIn = "signedIn" in root.dataset;
  await Promise.all([language.load(), isSignedIn && models.load()]);
  document.body.append(notes());
  document.addEventListener("signed-out", () => isIn && atTheDoor(t("problem.unauthenticated")));
  addEventListener("hashchange", () => isIn && go().catch(complain));
  if (isSignedIn) await enter();
  else await atTheDoor();
}

async function atTheDoor(why) {
  isIn = false;
  shown?.stop?.();
  const { signIn } = await import("./sign-in.js");
  const door = signIn(async () => location.reload(), why);
  root.replaceChildren(door.element);
  door.focus();
}

async function enter() {
  isIn = true;
  root.replaceChildren(frame(), el("main", { id: "page", tabindex: -1 }), picks.place());
  account.follow();
  account.refresh().catch(complain);
  tasks.watch(announce);
  await go();
  live.start();
}

async function go() {
  const [name, { load }] = Object.entries(PAGES).find(([, page]) => page.hash === location.hash) ?? ["create", PAGES.create];
  const number = (newest += 1);
  const page = await (await load()).page();
  if (number !== newest) return page.stop?.();
  shown?.stop?.();
  shown = page;
  document.title = `${t(`page.${name}`)} · Darkroom`;
  const place = document.getElementById("page");
  const isFirst = !place.children.length;
  place.replaceChildren(shown.element);
  for (const link of document.querySelectorAll("nav a")) mark(link, link.getAttribute("href") === PAGES[name].hash);
  if (shown.focus) shown.focus();
  else if (!isFirst) place.focus();
}

function mark(link, isHere) {
  if (isHere) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

function frame() {
  const links = Object.entries(PAGES).map(([name, { hash }]) => el("a", { href: hash }, icon(name), el("span", {}, t(`page.${name}`))));
  const credits = el("a", { class: "credits", href: PAGES.usage.hash });
  account.watch(({ free }) => credits.replaceChildren(t("cost", { n: free })));
  const leave = () => session("DELETE").then(() => location.reload(), complain);
  const [other, otherName] = Object.entries(language.LANGUAGES).find(([name]) => name !== language.language());
  return el(
    "header",
    { class: "top" },
    el("a", { class: "skip", href: "#page", on: { click: skip } }, t("skip")),
    el("a", { class: "brand", href: "#/", "aria-label": "Darkroom" }, icon("mark"), el("span", {}, "Darkroom")),
    el("nav", { "aria-label": t("pages") }, links),
    el(
      "div",
      { class: "corner-row" },
      credits,
      el(
        "button",
        { type: "button", class: "icon-button", lang: other, on: { click: () => language.choose(other) } },
        otherName === "English" ? "EN" : "中",
      ),
      iconButton("look", t("look"), turn),
      iconButton("out", t("sign-out"), leave),
    ),
  );
}

/** The address says which page is shown, so this link only moves the focus. */
function skip(event) {
  event.preventDefault();
  document.getElementById("page").focus();
}

function announce(task, before) {
  if (!before || task.isGone || !tasks.isOpen(before) || tasks.isOpen(task)) return;
  const what = tasks.wording(task).slice(0, 60) || task.model;
  say(t(`said.${task.status}`, { what }), task.status === "succeeded" ? "good" : "bad");
}

begin().catch((fault) => {
  complain(fault);
  throw fault;
});
