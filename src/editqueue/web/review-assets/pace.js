// How often the order is worth a look.

const STANDSTILL_MS = 60_000;

/** "fast" while an edit runs or things change, "patient" while they only wait, "slow" when nothing will happen. */
export function createPace({ state, isMissing }) {
  let seen = "";
  let changedAt = 0;

  return function pace() {
    const { counts, files } = state.get();
    if (!counts) return "slow";
    note(JSON.stringify(counts));
    const forUs = counts.queued - files.filter(isMissing).length;
    if (counts.in_progress + forUs <= 0) return "slow";
    return counts.in_progress > 0 || Date.now() - changedAt < STANDSTILL_MS ? "fast" : "patient";
  };

  function note(now) {
    if (now === seen) return;
    seen = now;
    changedAt = Date.now();
  }
}
