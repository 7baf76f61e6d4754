// Where a task is written: the model, its form, what it costs, and the button that buys it.

import * as account from "./account.js";
import * as api from "./api.js";
import { el } from "./dom.js";
import { makeForm } from "./form.js";
import { span, t } from "./language.js";
import * as models from "./models.js";
import { place } from "./order.js";
import { complain, say, words } from "./say.js";
import { priceable } from "./schema.js";
import { wording } from "./tasks.js";

const PAUSE_MS = 350; // after the last change, before the price is asked for
const KEPT = "studio.model";

let asked = null; // what another page wants the form to begin with: {model, input} or {model, entries}

/** The next composer that is shown begins with this. */
export function begin(wish) {
  asked = wish;
}

export async function composer() {
  const wish = asked ?? { model: models.find(localStorage.getItem(KEPT)) ?? models.first(models.kinds()[0]) };
  asked = null;
  await models.complete(wish.model);
  const desk = el("div", { class: "form-place" });
  const price = el("p", { class: "price", "aria-live": "polite" });
  const wrong = el("p", { class: "fault whole", role: "alert", hidden: true });
  const button = el("button", { class: "primary", type: "submit" }, t("create"));
  const made = { form: null, model: null };
  const picker = models.picker((model) => turnTo(model));
  const element = el(
    "form",
    { class: "composer", novalidate: true, "aria-label": t("page.create") },
    picker.element,
    desk,
    el("div", { class: "buy" }, price, wrong, button),
  );

  const show = (model, { input = {}, entries = [] } = {}) => {
    made.form?.stop();
    Object.assign(made, { model, form: makeForm(model) });
    localStorage.setItem(KEPT, model.id);
    picker.show(model);
    desk.replaceChildren(made.form.element);
    made.form.set(input);
    entries.forEach(made.form.add);
    quoting.now();
  };
  let wanted = wish.model;
  // The form that goes is out of sight and reach at once: what somebody wrote into it now would be lost.
  const turnTo = async (model) => {
    wanted = model;
    desk.style.visibility = "hidden";
    try {
      await models.complete(model);
    } catch (problem) {
      if (wanted === model) picker.show((wanted = made.model));
      complain(problem);
    }
    if (wanted === model) show(model, carried(made));
    if (wanted === made.model) desk.style.visibility = "";
  };
  const quoting = quotes(made, price, wrong);
  element.addEventListener("input", quoting.soon);
  element.addEventListener("change", quoting.soon);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!button.disabled && wanted === made.model) buy(made, { button, wrong });
  });
  // The second click of a double click is the same wish; so it is where the answer came between the two.
  button.addEventListener("click", (event) => event.detail > 1 && event.preventDefault());
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    if (event.repeat) event.preventDefault();
    else if (event.ctrlKey || event.metaKey) element.requestSubmit();
  });
  const pasted = (event) => event.clipboardData.files.length && made.form.takesMedia && made.form.take(event.clipboardData.files);
  document.addEventListener("paste", pasted);

  show(wish.model, wish);
  const stop = () => {
    made.form.stop();
    document.removeEventListener("paste", pasted);
  };
  return { element, show, focus: () => made.form.focus(), stop };
}

/** What the person wrote stays when they only turn to another model. */
function carried({ form }) {
  const input = form?.value() ?? {};
  return { input: "prompt" in input ? { prompt: input.prompt } : {} };
}

async function buy({ form, model }, { button, wrong }) {
  if (form.isUploading()) return say(t("media.wait"));
  button.disabled = true;
  line(wrong, "");
  try {
    const task = await place({ model: model.id, input: form.value() });
    form.fault([]);
    say(t("said.sent", { what: wording(task).slice(0, 60) || model.title }));
  } catch (problem) {
    refuse(form, wrong, problem);
  } finally {
    button.disabled = false;
  }
}

function refuse(form, wrong, problem) {
  const said = words(problem);
  const strangers = form.fault(problem.errors);
  form.focusFault();
  const isSaidThere = problem.errors.length > 0 && strangers.length === 0;
  line(wrong, isSaidThere ? "" : [said, ...strangers.map((error) => `${error.field} ${error.message}`)].join(" "));
}

function line(place, text) {
  place.textContent = text;
  place.hidden = !text;
}

/** Asks what the form would cost, a moment after it was last changed; only the newest answer counts. */
function quotes(made, price, wrong) {
  let timer = null;
  let newest = 0;
  const ask = async () => {
    const { form, model } = made;
    const number = (newest += 1);
    const input = priceable(model.input_schema, form.value());
    if (!input || form.isUploading()) return tell(price, models.price(model));
    try {
      const quote = await api.post("/tasks/quote", { model: model.id, input });
      if (number !== newest) return;
      form.fault([]);
      line(wrong, "");
      tell(price, t("cost", { n: quote.credits }), t("about-time", { time: span(quote.typical_seconds) }), short(quote.credits));
    } catch (problem) {
      if (number !== newest || problem.status === 401) return;
      tell(price, models.price(model));
      refuseQuietly(form, wrong, problem);
    }
  };
  return {
    now: ask,
    soon: () => {
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE_MS);
    },
  };
}

/** While somebody is still writing, nothing jumps. */
function refuseQuietly(form, wrong, problem) {
  const said = words(problem);
  const strangers = form.fault(problem.errors);
  line(wrong, problem.errors.length && !strangers.length ? "" : said);
}

function short(credits) {
  const free = account.known()?.free;
  return free !== undefined && free < credits ? t("cost.short", { n: free }) : "";
}

function tell(price, cost, time = "", warning = "") {
  price.replaceChildren(el("strong", {}, cost), time && el("span", {}, time), warning && el("span", { class: "warning" }, warning));
}
