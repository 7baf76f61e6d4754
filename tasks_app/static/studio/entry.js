// A picture, video or sound that is to be an input: where it is, and what it looks like.
//
// {ref, type, thumbnail, name}, and for some videos `film`, where they are, or `duration`; `type` is "" where it is not known. One that is still on its way up has no ref yet, but a `bar` that shows how far it is, and `stop()`.

import * as api from "./api.js";
import { el, icon } from "./dom.js";
import { t } from "./language.js";
import { reference, wording } from "./tasks.js";

export const DRAGGED = "application/x-darkroom-entry";

export function ofOutput(task, place) {
  const output = task.outputs[place];
  const thumbnail = output.thumbnail_url ? api.here(output.thumbnail_url) : null;
  return { ref: reference(task, place), type: output.type, thumbnail, name: wording(task), duration: output.duration };
}

/** What an input that was sent before names: its own looks are known only where it is an output or a file of ours. */
export function ofReference(ref) {
  const [, task, place] = /^(task_\w+)\/(\d+)$/.exec(ref) ?? [];
  const known = { ref, type: "", thumbnail: null, name: ref };
  if (task) return { ...known, lookUp: () => lookedUp(task, Number(place)) };
  return ref.startsWith("file_") ? { ...known, lookUp: () => fileOf(ref) } : known;
}

async function fileOf(ref) {
  const { content_type: told, name } = await api.get(`/files/${ref}`);
  const type = told.split("/")[0];
  const content = `/api/v1/files/${ref}/content`;
  return { ref, type, name, thumbnail: type === "image" ? content : null, film: type === "video" ? content : null };
}

async function lookedUp(id, place) {
  const task = await api.get(`/tasks/${id}`);
  return task.outputs[place] ? ofOutput(task, place) : null;
}

/** An entry for a file of this computer, which is not on its way yet. */
export function begun(file, stop) {
  const type = file.type.split("/")[0];
  const content = URL.createObjectURL(file);
  const bar = el("progress", { value: 0, "aria-label": t("media.uploading") });
  return { type, name: file.name, thumbnail: type === "image" ? content : null, film: type === "video" ? content : null, bar, stop };
}

/** What it is once the file is the account's. Rejects with a Problem, or as the `signal` says. */
export async function ofFile(file, { bar }, signal) {
  const { upload } = await import("./upload.js");
  const progress = (share) => {
    bar.value = share;
  };
  const made = await upload(file, { progress, signal });
  return { ref: made.id, type: made.content_type.split("/")[0], name: made.name, bar: undefined, stop: undefined };
}

export function picture(entry) {
  if (entry.film) return el("video", { src: `${entry.film}#t=0.1`, muted: true, preload: "metadata", "aria-label": entry.name });
  if (entry.thumbnail) return el("img", { src: entry.thumbnail, alt: entry.name || t(`type.${entry.type}`), draggable: "false" });
  return el(
    "span",
    { class: "no-picture" },
    icon(entry.type === "video" ? "video.generate" : entry.type === "audio" ? "sound" : "image.generate"),
  );
}
