// Asks again and again: soon while something moves, seldom otherwise, never in a hidden tab.

const FAST_MS = 2_000;
const SLOW_MS = 30_000;
const LOST_MS = [2_000, 5_000, 10_000, 20_000];

export function createPoll({ work, isMoving }) {
  let timer = null;
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
    const outcome = await work();
    running = false;
    settle(outcome);
  }

  function settle(outcome) {
    lost = outcome === "lost" ? lost + 1 : 0;
    stopped ||= outcome === "stop";
    const atOnce = again && outcome === "ok";
    again = false;
    if (stopped || document.hidden) return;
    timer = setTimeout(run, atOnce ? 0 : pause());
  }

  function pause() {
    if (lost > 0) return LOST_MS[Math.min(lost, LOST_MS.length) - 1];
    return isMoving() ? FAST_MS : SLOW_MS;
  }

  function clear() {
    clearTimeout(timer);
    timer = null;
  }

  function resume() {
    stopped = false;
    return run();
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clear() : resume()));
  addEventListener("online", run);
  return { now: run, resume };
}
