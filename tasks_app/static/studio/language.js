// What the page says, in English or Chinese. The dictionary is loaded for the language that is shown, and only that one.

export const LANGUAGES = { en: "English", "zh-Hans": "中文" };
const FILES = { en: "./words/en", "zh-Hans": "./words/zh" };

let words = {};

/** Loads the words of the page's language. */
export async function load() {
  words = { ...(await import(`${FILES[language()]}.js`)).default };
}

/** Loads those of a part of the page that is shown later. */
export async function learn(part) {
  Object.assign(words, (await import(`${FILES[language()]}-${part}.js`)).default);
}

export function language() {
  return document.documentElement.lang in FILES ? document.documentElement.lang : "en";
}

/** Shows the page in another language from now on. It is drawn anew, for every word on it changes. */
export function choose(name) {
  localStorage.setItem("studio.language", name);
  location.reload();
}

/** t("cost", {n: 4}): "{n} credit|{n} credits" has a form for one and one for all else. */
export function t(key, facts = {}) {
  const forms = (words[key] ?? key).split("|");
  const form = forms.length > 1 && facts.n !== 1 ? forms[1] : forms[0];
  return form.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? shown(facts[name]) : whole));
}

/** The words for `key`, or `otherwise` where there are none. */
export function tr(key, otherwise) {
  return key in words ? t(key) : otherwise;
}

function shown(fact) {
  return typeof fact === "number" ? number(fact) : fact;
}

export function number(value) {
  return new Intl.NumberFormat(language()).format(value);
}

export function moment(text) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}

export function day(text) {
  return new Intl.DateTimeFormat(language(), { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(text));
}

export function bytes(count) {
  const [unit, per] = count < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  return new Intl.NumberFormat(language(), { style: "unit", unit, maximumFractionDigits: 1 }).format(count / per);
}

/** A span as people say it: 8 s, 2 min. */
export function span(seconds) {
  const [unit, per] = seconds < 90 ? ["second", 1] : ["minute", 60];
  const digits = seconds < 10 ? 1 : 0;
  return new Intl.NumberFormat(language(), { style: "unit", unit, maximumFractionDigits: digits }).format(seconds / per);
}
