// Where a task stands, in words.

import { number, t } from "./language.js";
import { isOpen } from "./tasks.js";

export function standing(task) {
  if (!isOpen(task)) return t(`status.${task.status}`);
  if (task.status === "queued") return task.queue_position ? t("state.place", { n: task.queue_position }) : t("state.queued");
  if (task.stage === "storing") return t("state.storing");
  return task.progress > 0 ? t("state.progress", { share: `${number(Math.round(task.progress * 100))} %` }) : t("state.running");
}
