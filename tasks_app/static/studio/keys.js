// The account's API keys.

import { get, post, remove } from "./api.js";
import * as deeds from "./deeds.js";
import { confirmed, showSecret } from "./dialog.js";
import { el } from "./dom.js";
import { moment, number, t } from "./language.js";
import { asked, input } from "./plain-form.js";
import { complain } from "./say.js";

export function page() {
  const list = el("ul", { class: "rows" });
  const draw = async () => {
    const keys = (await get("/keys")).data;
    list.replaceChildren(...keys.map((key) => row(key, draw)));
  };
  draw().catch(complain);
  return {
    element: el("div", { class: "page" }, el("h1", {}, t("page.keys")), el("p", { class: "hint" }, t("keys.about")), list, making(draw)),
  };
}

function row(key, draw) {
  const revoke = async () => {
    const text = t(key.current ? "keys.revoke.current" : "keys.revoke.text", { key: key.prefix });
    if (!(await confirmed({ title: t("keys.revoke.title"), text, action: t("keys.revoke") }))) return;
    remove(`/keys/${key.id}`).then(draw).catch(complain);
  };
  return el(
    "li",
    {},
    el(
      "div",
      {},
      el("strong", {}, key.name || key.prefix),
      key.current && el("span", { class: "tag" }, t("keys.current")),
      el("p", { class: "hint" }, about(key).join(" · ")),
    ),
    el("code", {}, `${key.prefix}…`),
    el(
      "button",
      { type: "button", class: "quiet", "aria-label": `${t("keys.revoke")}: ${key.name || key.prefix}`, on: { click: revoke } },
      t("keys.revoke"),
    ),
  );
}

function about(key) {
  return [
    key.last_used_at ? t("keys.used", { when: moment(key.last_used_at) }) : t("keys.unused"),
    key.read_only && t("keys.read-only"),
    key.models.length && key.models.join(", "),
    key.networks.length && key.networks.join(", "),
    key.credits_limit !== null && `${number(key.credits_used)} / ${t("cost", { n: key.credits_limit })}`,
    key.expires_at && t("keys.until", { when: moment(key.expires_at) }),
  ].filter(Boolean);
}

function making(draw) {
  const fields = {
    name: input("name", { required: true, maxlength: 100 }),
    read_only: input("read_only", { type: "checkbox" }),
    models: input("models", { placeholder: "darkroom/test-card-image" }),
    networks: input("networks", { placeholder: "203.0.113.0/24" }),
    credits_limit: input("credits_limit", { type: "number", min: 0 }),
    expires_at: input("expires_at", { type: "datetime-local" }),
  };
  const read = ({ name, read_only, models, networks, credits_limit, expires_at }) => ({
    name: name.value,
    read_only: read_only.checked,
    models: words(models.value),
    networks: words(networks.value),
    credits_limit: credits_limit.value === "" ? null : Number(credits_limit.value),
    expires_at: expires_at.value ? new Date(expires_at.value).toISOString() : null,
  });
  const { name, ...restrictions } = fields;
  return asked({
    title: t("keys.new"),
    fields,
    shown: [name],
    folded: [t("keys.restrict"), Object.values(restrictions)],
    send: async (controls) => {
      const made = await post("/keys", read(controls));
      await draw();
      await showSecret({ title: t("keys.made"), text: t("keys.once"), secret: made.key, copy: deeds.copy });
    },
  });
}

function words(text) {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
}
