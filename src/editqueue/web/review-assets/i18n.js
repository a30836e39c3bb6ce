// Texts by key from de.json and en.json. German unless the person chose otherwise.

import { forThisBrowser } from "./storage.js";

const KEY = "review_language";
const LANGUAGES = ["de", "en"];

export async function createI18n() {
  const tables = {};
  const listeners = new Set();
  let language = chosen();
  tables[language] = await load(language);

  /** Rejects, and changes nothing, when the texts cannot be loaded. */
  async function choose(next) {
    tables[next] ??= await load(next);
    language = next;
    forThisBrowser.set(KEY, next);
    translatePage(t, language);
    for (const listener of listeners) listener();
  }

  const has = (key) => key in tables[language];
  const t = (key, values = {}) => fill(tables[language][key] ?? key, values);
  const count = (key, number, values = {}) =>
    t(`${key}.${new Intl.PluralRules(language).select(number)}`, { count: number.toLocaleString(language), ...values });
  const when = (time) =>
    new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

  const percent = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);

  translatePage(t, language);
  return { t, has, count, when, percent, choose, onChange: (listener) => listeners.add(listener), language: () => language };
}

function chosen() {
  const kept = forThisBrowser.get(KEY);
  return LANGUAGES.includes(kept) ? kept : LANGUAGES[0];
}

async function load(language) {
  const response = await fetch(`/review-assets/${language}.json`, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return response.json();
}

// A function as the replacement: a file name with "$&" in it stays what it is.
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

function translatePage(t, language) {
  document.documentElement.lang = language;
  document.title = t("page_title");
  translateAll("data-i18n", t, (node, text) => (node.textContent = text));
  translateAll("data-i18n-aria-label", t, (node, text) => node.setAttribute("aria-label", text));
  translateAll("data-i18n-title", t, (node, text) => (node.title = text));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}

function translateAll(attribute, t, put) {
  for (const node of document.querySelectorAll(`[${attribute}]`)) put(node, t(node.getAttribute(attribute)));
}
