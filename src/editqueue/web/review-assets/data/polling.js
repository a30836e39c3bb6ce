// Looks at the order again and again: soon while something moves, seldom otherwise, never in a hidden tab.

import { createLook } from "./look.js";
import { hasStatus, isFinal, isNetwork } from "./problems.js";

/**
 * @import { Api } from "./api.js"
 * @import { Facts } from "./facts.js"
 * @import { Forecast } from "./forecast.js"
 * @import { Seen } from "./seen.js"
 * @import { State } from "./state.js"
 */

/** @typedef {"fast" | "patient" | "slow"} Pace */
/** @typedef {"ok" | "lost" | "stop"} Outcome "lost": try again; "stop": the person has to act */

/** @type {Record<Pace, number>} */
const PACE_MS = { fast: 2_000, patient: 6_000, slow: 30_000 };
const LOST_MS = [2_000, 5_000, 10_000];
const LOST_LONG_MS = 20_000;
const STANDSTILL_MS = 60_000;

/**
 * `onFine` hears whether every file was listed, too.
 * @param {{ api: Api, orderId: string, state: State, facts: Facts, seen: Seen, forecast: Forecast,
 *   onFine: (isListed: boolean) => void, onProblem: (error: unknown) => void }} page
 */
export function createPolling({ api, orderId, state, facts, seen, forecast, onFine, onProblem }) {
  const { look, isBehind } = createLook({ api, orderId, state, seen, forecast });
  const pace = createPace({ state, facts, isBehind });
  return createPoll({ work, pace, onShown: state.outdated });

  /** @returns {Promise<Outcome>} */
  async function work() {
    try {
      onFine(await look());
      return "ok";
    } catch (error) {
      onProblem(error);
      return outcomeOf(error);
    }
  }
}

/** @type {(error: unknown) => Outcome} */
function outcomeOf(error) {
  if (isNetwork(error)) return "lost";
  return isFinal(error) || hasStatus(error, 422) ? "stop" : "lost";
}

/**
 * "fast" while an edit runs, things change or a list came too late, "patient" while they only wait, "slow" when nothing will happen.
 * @param {{ state: State, facts: Facts, isBehind: () => boolean }} page
 */
function createPace({ state, facts, isBehind }) {
  let seen = "";
  let changedAt = 0;

  /** @returns {Pace} */
  return function pace() {
    const { counts, files } = state.get();
    if (isBehind()) return "fast";
    if (!counts) return "slow";
    note(JSON.stringify(counts));
    const forUs = counts.queued - files.filter(facts.isMissing).length;
    if (counts.in_progress + forUs <= 0) return "slow";
    return counts.in_progress > 0 || Date.now() - changedAt < STANDSTILL_MS ? "fast" : "patient";
  };

  /** @param {string} now */
  function note(now) {
    if (now === seen) return;
    seen = now;
    changedAt = Date.now();
  }
}

/** @param {{ work: () => Promise<Outcome>, pace: () => Pace, onShown: () => void }} how */
function createPoll({ work, pace, onShown }) {
  /** @type {number | undefined} */
  let timer;
  let running = false;
  let again = false;
  let stopped = false;
  let lost = 0;

  async function run() {
    clear();
    if (stopped || document.hidden) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    const outcome = await work().catch(surprise);
    running = false;
    settle(outcome);
  }

  /** @param {Outcome} outcome */
  function settle(outcome) {
    lost = outcome === "lost" ? lost + 1 : 0;
    stopped ||= outcome === "stop";
    const atOnce = again && outcome === "ok";
    again = false;
    if (stopped || document.hidden) return;
    timer = setTimeout(run, atOnce ? 0 : pause());
  }

  function pause() {
    return lost > 0 ? (LOST_MS[lost - 1] ?? LOST_LONG_MS) : PACE_MS[pace()];
  }

  const clear = () => clearTimeout(timer);

  function resume() {
    stopped = false;
    return run();
  }

  function shownOrHidden() {
    clear();
    if (document.hidden) return;
    onShown(); // anything may have happened meanwhile
    resume();
  }

  document.addEventListener("visibilitychange", shownOrHidden);
  addEventListener("online", run);
  return { now: run, resume };
}

/**
 * A defect of ours must not end the polling; the console has it.
 * @param {unknown} error
 * @returns {Outcome}
 */
function surprise(error) {
  reportError(error);
  return "lost";
}
