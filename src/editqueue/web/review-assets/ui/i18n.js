// Texts by key from de.json and en.json. German unless the person chose otherwise.

import { assetOf, loadJson } from "../data/assets.js";
import { forThisBrowser } from "../data/session.js";

/** @typedef {Awaited<ReturnType<typeof createI18n>>} I18n */
/** @typedef {"de" | "en"} Language */
/** @typedef {keyof typeof import("../de.json")} TextKey */
/** @typedef {TextKey extends infer Key ? Key extends `${infer Stem}.other` ? Stem : never : never} CountedKey */
/** @typedef {(key: TextKey, values?: Values) => string} Translate */
/** @typedef {Record<string, string | number>} Values */

const KEY = "review_language";
/** @type {readonly Language[]} */
const LANGUAGES = ["de", "en"];

/**
 * Rejects when the texts cannot be loaded.
 * @param {() => Promise<{ texts?: Partial<Record<string, Record<string, string>>> }>} config  texts that a brand puts in
 *   the place of the page's own
 */
export async function createI18n(config) {
  let language = chosen();
  let texts = await load(language);
  const tables = new Map([[language, texts]]);
  /** @type {Set<() => void>} */
  const listeners = new Set();

  /**
   * Rejects, and changes nothing, when the texts cannot be loaded.
   * @param {Language} next
   */
  async function choose(next) {
    texts = tables.get(next) ?? (await load(next));
    tables.set(next, texts);
    language = next;
    forThisBrowser.set(KEY, next);
    translatePage(t, language);
    for (const listener of listeners) listener();
  }

  /**
   * @param {Language} language
   * @returns {Promise<Record<TextKey, string>>}
   */
  async function load(language) {
    const [own, { texts: brand }] = await Promise.all([loadJson(assetOf(`${language}.json`)), config()]);
    return { ...own, ...brand?.[language] };
  }

  /** @type {Translate} */
  const t = (key, values = {}) => fill(texts[key] ?? key, values);

  translatePage(t, language);
  return {
    t,
    /**
     * @param {string} key
     * @returns {key is TextKey}
     */
    has: (key) => key in texts,
    /**
     * The text for this number: "1 photo", "2 photos".
     * @param {CountedKey} key
     * @param {number} number
     */
    count(key, number) {
      const form = new Intl.PluralRules(language).select(number) === "one" ? "one" : "other";
      return t(`${key}.${form}`, { count: number.toLocaleString(language) });
    },
    /** @param {string} time */
    when: (time) =>
      new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time)),
    /** @param {number} share */
    percent: (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share),
    choose,
    /** @param {() => void} listener */
    onChange: (listener) => listeners.add(listener),
    language: () => language,
  };
}

/** @param {(language: Language) => void} choose */
export function onLanguageClicked(choose) {
  for (const language of LANGUAGES) {
    for (const button of document.querySelectorAll(`[data-language="${language}"]`)) {
      button.addEventListener("click", () => choose(language));
    }
  }
}

function chosen() {
  const kept = forThisBrowser.get(KEY);
  return LANGUAGES.find((language) => language === kept) ?? "de";
}

/**
 * A function as the replacement: a file name with "$&" in it stays what it is.
 * @param {string} text
 * @param {Values} values
 */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * @param {Translate} t
 * @param {Language} language
 */
function translatePage(t, language) {
  document.documentElement.lang = language;
  document.title = t("page_title");
  translateAll("data-i18n", t, (node, text) => (node.textContent = text));
  translateAll("data-i18n-aria-label", t, (node, text) => node.setAttribute("aria-label", text));
  translateAll("data-i18n-title", t, (node, text) => node.setAttribute("title", text));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.getAttribute("data-language") === language));
  }
}

/**
 * @param {string} attribute
 * @param {Translate} t
 * @param {(node: Element, text: string) => void} put
 */
function translateAll(attribute, t, put) {
  for (const node of document.querySelectorAll(`[${attribute}]`)) {
    put(node, t(/** @type {TextKey} */ (node.getAttribute(attribute))));
  }
}
