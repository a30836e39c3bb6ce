// How long the rest of the order will take, from how fast it went in the last minutes.

/** @import { StatusAnswer } from "./types.js" */

/** @typedef {ReturnType<typeof createForecast>} Forecast */

const WINDOW_MS = 10 * 60_000;
const LEAST_MS = 10_000;
const LEAST_DONE = 2; // one photo says little about the next

export function createForecast() {
  /** @type {{ at: number, finished: number }[]} */
  let samples = [];

  return {
    /** @param {StatusAnswer} counts */
    note({ done, failed }) {
      const at = Date.now();
      const finished = done + failed;
      if (finished < (samples.at(-1)?.finished ?? 0)) samples = []; // photos were sent again: another order of work
      if (finished === samples.at(-1)?.finished) return;
      samples = [...samples.filter((sample) => at - sample.at < WINDOW_MS), { at, finished }];
    },
    /**
     * Seconds until `left` photos are finished; null while nobody can say.
     * @param {number} left
     */
    secondsFor(left) {
      const [first] = samples;
      const last = samples.at(-1);
      if (!first || !last || left <= 0) return null;
      const finished = last.finished - first.finished;
      const took = Math.max(Date.now(), last.at) - first.at;
      return finished < LEAST_DONE || took < LEAST_MS ? null : (left * took) / finished / 1000;
    },
  };
}
