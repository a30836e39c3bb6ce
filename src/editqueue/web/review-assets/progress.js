// How far the order is: a bar, a line and a legend.

import { byId, element, setAttribute, setText } from "./dom.js";

const SHOWN = ["done", "in_progress", "queued", "failed"];
const STEPS = 10; // how often a long order speaks to screen readers on its way

export function createProgress({ i18n, announce }) {
  const bar = byId("progress-bar");
  const legend = byId("legend");
  const items = Object.fromEntries(SHOWN.map((status) => [status, legendItem(legend, status)]));
  let step = null;

  return function render(counts) {
    const line = lineOf(counts, i18n.t);
    setText(byId("progress-line"), line);
    setAttribute(bar, "aria-valuemax", Math.max(counts?.total ?? 0, 1));
    setAttribute(bar, "aria-valuenow", counts?.done ?? 0);
    setAttribute(bar, "aria-valuetext", line);
    for (const status of SHOWN) renderPart(bar, items[status], status, counts, i18n);
    speak(counts, line);
  };

  function speak(counts, line) {
    if (!counts?.total) return;
    const now = `${counts.total}|${Math.floor((counts.done * STEPS) / counts.total)}|${counts.failed}`;
    if (step !== null && now !== step) announce(line);
    step = now;
  }
}

function lineOf(counts, t) {
  if (!counts) return "\u00a0";
  return counts.total ? t("progress.line", counts) : t("progress.none");
}

function legendItem(legend, status) {
  const number = element("b");
  const text = element("span");
  const item = element("li", { className: `legend-item legend-${status}` }, [number, text]);
  legend.append(item);
  return { number, text };
}

function renderPart(bar, { number, text }, status, counts, i18n) {
  const amount = counts?.[status] ?? 0;
  const share = counts?.total ? amount / counts.total : 0;
  const part = bar.querySelector(`.part-${status}`);
  part.style.flexGrow = String(share);
  part.hidden = amount === 0;
  setText(number, amount.toLocaleString(i18n.language()));
  setText(text, i18n.t(`status.${status}`));
}
