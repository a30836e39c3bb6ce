// Texts by key from de.json and en.json. German unless the person chose otherwise.

const KEY = "review_language";
const LANGUAGES = ["de", "en"];

export async function createI18n() {
  const tables = {};
  const listeners = new Set();
  let language = chosen();
  tables[language] = await load(language);

  async function choose(next) {
    tables[next] ??= await load(next);
    language = next;
    localStorage.setItem(KEY, next);
    translatePage(t, language);
    for (const listener of listeners) listener();
  }

  const has = (key) => key in tables[language];
  const t = (key, values = {}) => fill(tables[language][key] ?? key, values);
  const count = (key, number, values = {}) =>
    t(`${key}.${new Intl.PluralRules(language).select(number)}`, { count: number.toLocaleString(language), ...values });
  const when = (time) =>
    new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

  translatePage(t, language);
  return { t, has, count, when, choose, onChange: (listener) => listeners.add(listener), language: () => language };
}

function chosen() {
  const kept = localStorage.getItem(KEY);
  return LANGUAGES.includes(kept) ? kept : LANGUAGES[0];
}

async function load(language) {
  const response = await fetch(`/review-assets/${language}.json`, { cache: "no-cache" });
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
