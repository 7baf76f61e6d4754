// Where the account's servers are told of tasks, and what became of each telling.

import { get, patch, post, query, remove } from "./api.js";
import * as deeds from "./deeds.js";
import { confirmed, showSecret } from "./dialog.js";
import { el, freshId } from "./dom.js";
import { field } from "./filters.js";
import { moment, t } from "./language.js";
import { around, asked, input } from "./plain-form.js";
import { complain, say } from "./say.js";

const EVENTS = ["task.started", "task.succeeded", "task.failed", "task.canceled", "task.expired"];
const STATUSES = ["pending", "delivered", "failed"];
const OPEN = ["pending", "sending"];
const LOOK_AGAIN_MS = 2000;

export function page() {
  const list = el("ul", { class: "rows" });
  const told = deliveries();
  const draw = async () => {
    const endpoints = (await get("/webhook-endpoints")).data;
    list.replaceChildren(...endpoints.map((endpoint) => row(endpoint, { draw, told })));
  };
  draw().catch(complain);
  return {
    element: el(
      "div",
      { class: "page" },
      el("h1", {}, t("page.webhooks")),
      el("p", { class: "hint" }, t("webhooks.about")),
      list,
      making(draw),
      told.element,
    ),
    stop: told.stop,
  };
}

function row(endpoint, { draw, told }) {
  const path = `/webhook-endpoints/${endpoint.id}`;
  const doing = (work) => () => work().then(draw).catch(complain);
  const test = async () => {
    await post(`${path}/test`);
    say(t("webhooks.tested"));
    await told.show();
  };
  const rotate = async () => {
    if (!(await confirmed({ title: t("webhooks.rotate"), text: t("webhooks.rotate.text"), action: t("webhooks.rotate") }))) return;
    const { secret } = await post(`${path}/rotate-secret`);
    await showSecret({ title: t("webhooks.secret"), text: t("webhooks.secret.once"), secret, copy: deeds.copy });
  };
  const turn = () => patch(path, { enabled: !endpoint.enabled });
  const away = async () => {
    if (await confirmed({ title: t("webhooks.delete"), text: endpoint.url, action: t("deed.delete") })) await remove(path);
  };
  const facts = [
    endpoint.description,
    endpoint.events.map((name) => name.replace("task.", "")).join(", "),
    endpoint.disabled_reason,
  ].filter(Boolean);
  return el(
    "li",
    {},
    el(
      "div",
      {},
      el("strong", { class: "url" }, endpoint.url),
      !endpoint.enabled && el("span", { class: "tag bad" }, t("webhooks.off")),
      el("p", { class: "hint" }, facts.join(" · ")),
    ),
    el(
      "div",
      { class: "row" },
      [
        ["test", test],
        ["rotate", rotate],
        [endpoint.enabled ? "disable" : "enable", turn],
        ["delete", away],
      ].map(([name, work]) =>
        el(
          "button",
          { type: "button", class: "quiet", "aria-label": `${t(`webhooks.${name}`)}: ${endpoint.url}`, on: { click: doing(work) } },
          t(`webhooks.${name}`),
        ),
      ),
    ),
  );
}

function making(draw) {
  const boxes = EVENTS.map((name) => el("input", { type: "checkbox", value: name, checked: name !== "task.started" }));
  const events = around(
    "events",
    el(
      "div",
      { class: "checks" },
      boxes.map((box) => el("label", {}, box, box.value)),
    ),
    el("legend", {}, t("field.events")),
    "fieldset",
  );
  const fields = {
    url: input("url", { type: "url", required: true, placeholder: "https://example.com/darkroom" }),
    description: input("description", { maxlength: 200 }),
    events,
  };
  return asked({
    title: t("webhooks.new"),
    fields,
    shown: Object.values(fields),
    send: async ({ url, description }) => {
      const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
      const made = await post("/webhook-endpoints", { url: url.value, description: description.value, events: chosen });
      await draw();
      await showSecret({ title: t("webhooks.secret"), text: t("webhooks.secret.once"), secret: made.secret, copy: deeds.copy });
    },
  });
}

/** What was sent lately: {element, show(), stop()}. */
function deliveries() {
  const status = field(
    "status",
    STATUSES.map((name) => [name, t(`delivery.${name}`)]),
  );
  const list = el("ul", { class: "rows deliveries" });
  const more = el("button", { type: "button", class: "quiet", hidden: true }, t("gallery.further"));
  let [cursor, timer] = [null, null];
  const load = async () => {
    const page = await get(`/webhook-deliveries${query({ status: status.value, cursor })}`);
    cursor = page.next_cursor;
    more.hidden = !page.has_more;
    list.append(...page.data.map((delivery) => told(delivery, show)));
    return page.data;
  };
  const show = async () => {
    clearTimeout(timer);
    cursor = null;
    list.replaceChildren();
    const newest = await load();
    if (!newest.length) list.append(el("li", { class: "empty" }, t("delivery.none")));
    if (newest.some(({ status, tried_at }) => status === "sending" || (status === "pending" && !tried_at)))
      timer = setTimeout(() => show().catch(complain), LOOK_AGAIN_MS);
  };
  status.addEventListener("change", () => show().catch(complain));
  more.addEventListener("click", () => load().catch(complain));
  show().catch(complain);
  const id = freshId();
  return {
    element: el(
      "section",
      { "aria-labelledby": id },
      el("div", { class: "row spread" }, el("h2", { id }, t("deliveries")), status),
      list,
      more,
    ),
    show,
    stop: () => clearTimeout(timer),
  };
}

function told(delivery, show) {
  const replay = () => post(`/webhook-deliveries/${delivery.id}/replay`).then(show).catch(complain);
  const body = el("div", {});
  const details = el(
    "details",
    {},
    el(
      "summary",
      {},
      el("span", { class: `tag ${delivery.status}` }, t(`delivery.${delivery.status}`)),
      " ",
      delivery.type,
      " ",
      el("span", { class: "hint" }, moment(delivery.created_at)),
    ),
    body,
  );
  details.addEventListener("toggle", () => details.open && !body.children.length && fill(body, delivery).catch(complain));
  return el(
    "li",
    {},
    details,
    !OPEN.includes(delivery.status) &&
      el(
        "button",
        { type: "button", class: "quiet", "aria-label": `${t("delivery.replay")}: ${delivery.type}`, on: { click: replay } },
        t("delivery.replay"),
      ),
  );
}

async function fill(body, { id }) {
  const whole = await get(`/webhook-deliveries/${id}`);
  const facts = [
    whole.url,
    whole.answer_status && `HTTP ${whole.answer_status}`,
    whole.took_ms !== null && `${whole.took_ms} ms`,
    whole.message,
  ].filter(Boolean);
  body.append(
    el("p", { class: "hint" }, facts.join(" · ")),
    el("pre", { tabindex: 0 }, JSON.stringify(whole.payload, null, 2)),
    whole.answer_body && el("pre", { tabindex: 0 }, whole.answer_body),
  );
}
