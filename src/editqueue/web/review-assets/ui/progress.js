// How far the order is: a bar, a line and a legend.

import { byId, element, setAttribute, setText } from "./dom.js";
import { announce } from "./messages.js";

/**
 * @import { StatusAnswer } from "../data/types.js"
 * @import { I18n, Translate } from "./i18n.js"
 */

/** @typedef {ReturnType<typeof makeShare>} Share */

const SHOWN = /** @type {const} */ (["done", "in_progress", "queued", "failed"]);
const LONG_MINUTES = 90; // from here on, hours are told
const STEPS = 10; // how often a long order speaks to screen readers on its way

/**
 * @param {{ i18n: I18n, secondsLeft: () => number | null }} page  `secondsLeft`: until the last photo is finished
 */
export function createProgress({ i18n, secondsLeft }) {
  const bar = byId("progress-bar");
  const shares = SHOWN.map(makeShare);
  let step = "";

  /** @param {StatusAnswer | null} counts */
  return function render(counts) {
    const line = lineOf(counts, i18n.t);
    setText(byId("progress-line"), line);
    setText(byId("time-left"), leftText(secondsLeft(), i18n));
    setAttribute(bar, "aria-valuemax", Math.max(counts?.total ?? 0, 1));
    setAttribute(bar, "aria-valuenow", counts?.done ?? 0);
    setAttribute(bar, "aria-valuetext", line);
    for (const share of shares) renderShare(share, counts, i18n);
    if (counts?.total) speak(counts, line);
  };

  /**
   * @param {StatusAnswer} counts
   * @param {string} line
   */
  function speak(counts, line) {
    const now = `${counts.total}|${Math.floor((counts.done * STEPS) / counts.total)}|${counts.failed}`;
    if (step && now !== step) announce(line);
    step = now;
  }
}

/**
 * @param {number | null} seconds
 * @param {I18n} i18n
 */
function leftText(seconds, { t, count }) {
  if (seconds === null) return "";
  if (seconds < 60) return t("progress.soon");
  const minutes = Math.round(seconds / 60);
  return minutes < LONG_MINUTES
    ? count("progress.minutes", minutes)
    : count("progress.hours", Math.round(minutes / 60));
}

/**
 * @param {StatusAnswer | null} counts
 * @param {Translate} t
 */
function lineOf(counts, t) {
  if (!counts) return "\u00a0";
  return counts.total ? t("progress.line", { done: counts.done, total: counts.total }) : t("progress.none");
}

/**
 * The part of the bar and the line of the legend for one status.
 * @param {typeof SHOWN[number]} status
 */
function makeShare(status) {
  const number = element("b");
  const text = element("span");
  byId("legend").append(element("li", { className: `legend-item legend-${status}` }, [number, text]));
  return { status, number, text, part: byId(`part-${status}`) };
}

/**
 * @param {Share} share
 * @param {StatusAnswer | null} counts
 * @param {I18n} i18n
 */
function renderShare({ status, number, text, part }, counts, i18n) {
  const amount = counts?.[status] ?? 0;
  part.style.flexGrow = String(counts?.total ? amount / counts.total : 0);
  part.hidden = amount === 0;
  setText(number, counts ? amount.toLocaleString(i18n.language()) : "–"); // unknown is not none
  setText(text, i18n.t(`status.${status}`));
}
