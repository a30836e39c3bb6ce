// Looks at the order again and again: soon while something moves, seldom otherwise, never in a hidden tab.

import { hasStatus, isFinal, isNetwork } from "./problems.js";

/**
 * @import { Api } from "./api.js"
 * @import { IsMissing } from "./files.js"
 * @import { State } from "./state.js"
 * @import { FileItem, StatusAnswer } from "./types.js"
 */

/** @typedef {"fast" | "patient" | "slow"} Pace */
/** @typedef {"ok" | "lost" | "stop"} Outcome "lost": try again; "stop": the person has to act */

/** @type {Record<Pace, number>} */
const PACE_MS = { fast: 2_000, patient: 6_000, slow: 30_000 };
const LOST_MS = [2_000, 5_000, 10_000];
const LOST_LONG_MS = 20_000;
const STANDSTILL_MS = 60_000;
const LOOK_EVERY_MS = 25_000;
const PER_PAGE_MS = 1_900; // a long order is listed less often

/**
 * @param {{ api: Api, orderId: string, state: State, isMissing: IsMissing, onFine: () => void,
 *   onProblem: (error: unknown) => void }} page
 */
export function createPolling({ api, orderId, state, isMissing, onFine, onProblem }) {
  const look = createLook({ api, orderId, state });
  const pace = createPace({ state, isMissing });
  return createPoll({ work, pace });

  /** @returns {Promise<Outcome>} */
  async function work() {
    try {
      await look();
      onFine();
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
 * One look: the counts always, the files and notifications when something changed or some time passed.
 * @param {{ api: Api, orderId: string, state: State }} page
 */
function createLook({ api, orderId, state }) {
  let listed = { at: -Infinity, key: "", pages: 0, touched: -1 };

  return async function look() {
    const counts = await api.status(orderId);
    state.setCounts(counts);
    if (!isDue(counts)) return;
    const { touched } = state.get();
    const key = JSON.stringify(counts);
    const [{ items }, pages] = await Promise.all([api.notifications(), list(touched)]);
    listed = { at: Date.now(), key, pages, touched };
    state.setNotifications(items);
  };

  /** @param {StatusAnswer} counts */
  function isDue(counts) {
    if (listed.touched !== state.get().touched) return true;
    const age = Date.now() - listed.at;
    const changed = listed.key !== JSON.stringify(counts);
    return age >= LOOK_EVERY_MS || (changed && age >= (listed.pages - 1) * PER_PAGE_MS);
  }

  /** @param {number} touched */
  async function list(touched) {
    /** @type {FileItem[]} */
    const files = [];
    /** @type {string | null} */
    let cursor = null;
    let pages = 0;
    do {
      const page = await api.files(orderId, cursor);
      files.push(...page.files);
      cursor = page.next_cursor;
      pages += 1;
      if (state.isStale(touched)) return pages; // an action came in between: this list is out of date
      if (cursor === null || !state.get().loaded || files.length > state.get().files.length) {
        state.setFiles([...files], { complete: cursor === null });
      }
    } while (cursor !== null);
    return pages;
  }
}

/**
 * "fast" while an edit runs or things change, "patient" while they only wait, "slow" when nothing will happen.
 * @param {{ state: State, isMissing: IsMissing }} page
 */
function createPace({ state, isMissing }) {
  let seen = "";
  let changedAt = 0;

  /** @returns {Pace} */
  return function pace() {
    const { counts, files } = state.get();
    if (!counts) return "slow";
    note(JSON.stringify(counts));
    const forUs = counts.queued - files.filter(isMissing).length;
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

/** @param {{ work: () => Promise<Outcome>, pace: () => Pace }} how */
function createPoll({ work, pace }) {
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

  document.addEventListener("visibilitychange", () => (document.hidden ? clear() : resume()));
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
