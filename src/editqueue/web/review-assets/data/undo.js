// What can still be taken back, the last thing first.

/** @typedef {ReturnType<typeof createUndo>} Undo */

const MOST = 50;

export function createUndo() {
  /** @type {(() => void)[]} */
  const steps = [];

  /** @param {() => void} step */
  function withdraw(step) {
    const at = steps.indexOf(step);
    if (at >= 0) steps.splice(at, 1);
    return at >= 0;
  }

  return {
    /** @param {() => void} step */
    offer(step) {
      steps.push(step);
      if (steps.length > MOST) steps.shift();
    },
    withdraw,
    /** What was done is past recall. */
    clear() {
      steps.length = 0;
    },
    /**
     * Takes this back, if it still can be.
     * @param {() => void} step
     */
    take(step) {
      if (withdraw(step)) step();
    },
    /** Takes the last thing back and says whether there was one. */
    last() {
      const step = steps.pop();
      step?.();
      return step !== undefined;
    },
  };
}
