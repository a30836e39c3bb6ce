// Asks again and again: soon while something moves, seldom otherwise, never in a hidden tab.

const PACE_MS = { fast: 2_000, patient: 6_000, slow: 30_000 };
const LOST_MS = [2_000, 5_000, 10_000, 20_000];

/** `work` answers "ok", "lost" (try again) or "stop"; `pace` names one of PACE_MS. */
export function createPoll({ work, pace }) {
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
    const outcome = await work().catch(surprise);
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
    return PACE_MS[pace()];
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

// A defect of ours must not end the polling; the console has it.
function surprise(error) {
  reportError(error);
  return "lost";
}
