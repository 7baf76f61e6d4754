// Credits: what there is, what was spent, on what and when.

import * as account from "./account.js";
import { get, query } from "./api.js";
import { el } from "./dom.js";
import { day, number, t } from "./language.js";
import { complain } from "./say.js";

const SPANS = [7, 30, 90];
const MONTHS = 12;
const DAY_MS = 86_400_000;

export function page() {
  const tiles = el("div", { class: "tiles" });
  const chart = el("div", {});
  const table = el("div", { class: "table-place", role: "region", tabindex: 0, "aria-label": t("usage.spent") });
  const span = el(
    "select",
    { "aria-label": t("usage.span") },
    SPANS.map((days) => el("option", { value: days, selected: days === 30 }, t("usage.days", { n: days }))),
  );
  const show = () => draw(Number(span.value), { chart, table }).catch(complain);
  span.addEventListener("change", show);
  const stop = account.watch((known) => tiles.replaceChildren(...tilesOf(known)));
  account.refresh().catch(complain);
  show();
  const head = el("div", { class: "row spread" }, el("h2", {}, t("usage.spent")), span);
  return { element: el("div", { class: "page" }, el("h1", {}, t("page.usage")), tiles, head, chart, table, statements()), stop };
}

function tilesOf({ free, held, balance, active, max_active: most }) {
  const facts = [
    ["free", number(free)],
    ["held", number(held)],
    ["balance", number(balance)],
    ["active", `${number(active)} / ${number(most)}`],
  ];
  return facts.map(([name, value]) => el("div", { class: "tile-fact" }, el("strong", {}, value), el("span", {}, t(`usage.${name}`))));
}

async function draw(days, { chart, table }) {
  const to = new Date();
  const from = new Date(to - (days - 1) * DAY_MS);
  const period = { from: iso(from), to: iso(to) };
  const [byDay, byModel] = await Promise.all(["day", "model"].map((by) => get(`/usage${query({ ...period, by })}`)));
  chart.replaceChildren(bars(everyDay(from, days), byDay.data));
  table.replaceChildren(byModel.data.length ? tableOf(byModel.data) : el("p", { class: "empty" }, t("usage.none")));
}

/** A bar for each day; who does not see it is told the sum, and has the table. */
function bars(days, lines) {
  const spent = Object.fromEntries(lines.map((line) => [line.day, line]));
  const most = Math.max(1, ...lines.map((line) => line.credits));
  const sum = lines.reduce((all, line) => all + line.credits, 0);
  const columns = days.map((one) => {
    const { credits = 0, tasks = 0 } = spent[one] ?? {};
    return el("i", {
      class: credits ? null : "none",
      style: { "--share": credits / most },
      title: `${day(one)}: ${t("cost", { n: credits })}, ${t("tasks", { n: tasks })}`,
    });
  });
  const ends = el(
    "div",
    { class: "row spread ends" },
    el("span", {}, day(days[0])),
    el("strong", {}, t("cost", { n: sum })),
    el("span", {}, day(days.at(-1))),
  );
  return el(
    "figure",
    { class: "chart" },
    el("div", { class: "bars", role: "img", "aria-label": t("usage.sum", { n: sum }) }, columns),
    ends,
  );
}

function tableOf(lines) {
  const names = ["tasks", "succeeded", "failed", "credits"];
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, t("usage.model")),
    names.map((name) => el("th", { scope: "col" }, t(`usage.${name}`))),
  );
  const rows = lines
    .sort((a, b) => b.credits - a.credits)
    .map((line) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, line.model),
        names.map((name) => el("td", {}, number(line[name]))),
      ),
    );
  return el("table", {}, el("thead", {}, head), el("tbody", {}, rows));
}

/** Each month's ledger, as a file. */
function statements() {
  const now = new Date();
  const months = Array.from({ length: MONTHS }, (_, back) =>
    iso(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1))).slice(0, 7),
  );
  const month = el(
    "select",
    { "aria-label": t("usage.month") },
    months.map((one) => el("option", { value: one }, one)),
  );
  const link = el("a", { class: "button", download: true }, t("deed.download"));
  const point = () => link.setAttribute("href", `/api/v1/account/statement?month=${month.value}`);
  month.addEventListener("change", point);
  point();
  return el(
    "section",
    {},
    el("h2", {}, t("usage.statement")),
    el("p", { class: "hint" }, t("usage.statement.about")),
    el("div", { class: "row" }, month, link),
  );
}

function everyDay(from, count) {
  return Array.from({ length: count }, (_, index) => iso(new Date(from.getTime() + index * DAY_MS)));
}

function iso(moment) {
  return moment.toISOString().slice(0, 10);
}
