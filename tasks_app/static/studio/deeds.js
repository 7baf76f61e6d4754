// What can be done to a task, wherever its buttons stand.

import * as api from "./api.js";
import { begin } from "./composer.js";
import { confirmed } from "./dialog.js";
import { t } from "./language.js";
import * as models from "./models.js";
import { repeat } from "./order.js";
import { complain, say } from "./say.js";
import * as tasks from "./tasks.js";

export async function cancel(task) {
  try {
    tasks.put(await api.post(`/tasks/${task.id}/cancel`));
  } catch (problem) {
    complain(problem);
  }
}

export async function retry(task) {
  try {
    await repeat(task.id);
    say(t("said.sent", { what: tasks.wording(task).slice(0, 60) || task.model }));
    location.hash = "#/";
  } catch (problem) {
    complain(problem);
  }
}

/** Whether it is gone. */
export async function remove(task) {
  if (!(await confirmed({ title: t("delete.title"), text: t("delete.text"), action: t("deed.delete") }))) return false;
  try {
    await api.remove(`/tasks/${task.id}`);
    tasks.drop(task.id);
    return true;
  } catch (problem) {
    complain(problem);
    return false;
  }
}

/** A form with the same input, to be changed. */
export function edit(task) {
  const model = models.find(task.model);
  if (model) compose({ model, input: task.input });
}

/** A form of this model with these pictures and videos in it. */
export function use(model, entries) {
  compose({ model, entries });
}

function compose(wish) {
  begin(wish);
  // The same address again draws nothing anew.
  if (["", "#/"].includes(location.hash)) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = "#/";
  scrollTo(0, 0);
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text); // by https only
  } catch {
    copyByHand(text);
  }
  say(t("said.copied"));
}

function copyByHand(text) {
  const place = document.createElement("textarea");
  place.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(place);
  place.select();
  document.execCommand("copy");
  place.remove();
}
