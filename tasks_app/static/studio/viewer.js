// The full view: the result as large as the window allows, what is known of it, and what can be done with it.

import * as api from "./api.js";
import * as deeds from "./deeds.js";
import { el, icon, iconButton } from "./dom.js";
import { ofOutput } from "./entry.js";
import { bytes, moment, number, span, t, tr } from "./language.js";
import * as models from "./models.js";
import { complain } from "./say.js";
import { standing } from "./standing.js";
import * as tasks from "./tasks.js";

const TEXT_LIMIT = 200_000; // characters of a text that are shown

/** Opens at one result; arrows go on to those beside it on the page. */
export function openViewer(id, place) {
  const view = el("div", { class: "view" });
  const dialog = el("dialog", { class: "viewer", "aria-label": t("viewer") });
  const at = { id, place };
  const draw = () => {
    const task = tasks.find(at.id);
    if (!task) return dialog.close();
    view.replaceChildren(stage(task, at.place), facts(task, at.place, dialog));
  };
  const step = (by) => {
    const all = [...document.querySelectorAll(".gallery .task:not([hidden])")].flatMap((holder) =>
      [...holder.children].map((card) => ({ id: holder.dataset.task, place: Number(card.dataset.place ?? 0) })),
    );
    const next = all[all.findIndex((one) => one.id === at.id && one.place === at.place) + by];
    if (next) draw(Object.assign(at, next));
  };
  const stopWatching = tasks.watch((task) => task.id === at.id && draw());
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select, video, audio")) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  dialog.addEventListener("close", () => {
    stopWatching();
    dialog.remove();
  });
  draw();
  dialog.append(view, ...frame(dialog, step));
  document.body.append(dialog);
  dialog.showModal();
}

function frame(dialog, step) {
  return [
    iconButton("earlier", t("viewer.earlier"), () => step(-1), { class: "icon-button step earlier" }),
    iconButton("later", t("viewer.later"), () => step(1), { class: "icon-button step later" }),
    iconButton("close", t("close"), () => dialog.close(), { class: "icon-button close" }),
  ];
}

function stage(task, place) {
  const output = task.outputs[place];
  if (!output) return el("div", { class: "stage" }, el("p", { class: "why" }, task.error?.message ?? standing(task)));
  return el("div", { class: "stage" }, PLAYERS[output.type]?.(api.here(output.url), task, output) ?? el("p", {}, output.content_type));
}

const PLAYERS = {
  image: (src, task) => el("img", { src, alt: tasks.wording(task) || t("type.image") }),
  video: (src, task, output) =>
    el("video", {
      src,
      controls: true,
      autoplay: true,
      loop: true,
      playsinline: true,
      poster: output.thumbnail_url && api.here(output.thumbnail_url),
    }),
  audio: (src) => el("audio", { src, controls: true }),
  text: (src) => {
    const place = el("pre", { tabindex: 0 });
    fetch(src)
      .then((answer) => answer.text())
      .then((text) => place.append(text.slice(0, TEXT_LIMIT)), complain);
    return place;
  },
};

function facts(task, place, dialog) {
  const output = task.outputs[place];
  const model = models.find(task.model);
  const prompt = tasks.wording(task);
  return el(
    "div",
    { class: "facts" },
    el("h2", {}, model?.title ?? task.model),
    prompt && el("p", { class: "prompt" }, prompt),
    task.error && el("p", { class: "fault" }, task.error.message),
    task.warnings.map((warning) => el("p", { class: "warning" }, warning)),
    el("div", { class: "deeds" }, deedsOf(task, place, { output, prompt, dialog })),
    output && usesOf(task, place, output, dialog),
    el(
      "dl",
      {},
      told(task, output).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    ),
  );
}

function deedsOf(task, place, { output, prompt, dialog }) {
  const isOpen = tasks.isOpen(task);
  const leave = (deed) => () => {
    dialog.close();
    deed();
  };
  return [
    output &&
      el(
        "a",
        { class: "button primary", href: api.here(output.url), download: `${task.id}-${place}` },
        icon("download"),
        t("deed.download"),
      ),
    prompt && deed("copy", t("deed.copy"), () => deeds.copy(prompt)),
    models.find(task.model) &&
      deed(
        "create",
        t("deed.edit"),
        leave(() => deeds.edit(task)),
      ),
    !isOpen &&
      deed(
        "again",
        t("deed.retry"),
        leave(() => deeds.retry(task)),
      ),
    isOpen && deed("close", t("deed.cancel"), () => deeds.cancel(task)),
    !isOpen && deed("remove", t("deed.delete"), () => deeds.remove(task)),
  ];
}

function deed(drawing, words, click) {
  return el("button", { type: "button", on: { click } }, icon(drawing), words);
}

/** The models that this result may go into. */
function usesOf(task, place, output, dialog) {
  const fitting = models.takingMedia().filter((model) => output.type !== "video" || model.kind.startsWith("video"));
  if (output.type === "text" || !fitting.length) return null;
  const select = el(
    "select",
    { "aria-label": t("deed.use") },
    el("option", { value: "" }, t("deed.use")),
    fitting.map((model) => el("option", { value: model.id }, model.title)),
  );
  select.addEventListener("change", () => {
    dialog.close();
    deeds.use(models.find(select.value), [ofOutput(task, place)]);
  });
  return el("div", { class: "use" }, icon("use"), select);
}

function told(task, output) {
  const size = output?.width && `${number(output.width)} × ${number(output.height)}`;
  const took = task.finished_at && task.started_at && (new Date(task.finished_at) - new Date(task.started_at)) / 1000;
  return [
    [t("fact.status"), standing(task)],
    [t("fact.cost"), t("cost", { n: task.cost.captured ?? task.cost.held })],
    size && [t("fact.size"), size],
    output?.duration && [t("fact.duration"), span(output.duration)],
    output && [t("fact.bytes"), `${bytes(output.bytes)} · ${output.content_type}`],
    ...Object.entries(task.input)
      .filter(([name, value]) => name === "seed" || (name !== "prompt" && ["number", "boolean"].includes(typeof value)))
      .map(([name, value]) => [tr(`field.${name}`, name), String(value)]),
    [t("fact.created"), moment(task.created_at)],
    took > 0 && [t("fact.took"), span(took)],
    [t("fact.id"), el("code", {}, task.id)],
  ].filter(Boolean);
}
