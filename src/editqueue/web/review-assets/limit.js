// A queue that runs a few tasks at a time; a task that nobody waits for any more is dropped before it starts.

export function createLimit(most) {
  const waiting = new Map();
  let running = 0;

  function next() {
    while (running < most && waiting.size > 0) {
      const [key, task] = waiting.entries().next().value;
      waiting.delete(key);
      running += 1;
      task().finally(() => {
        running -= 1;
        next();
      });
    }
  }

  return {
    add(key, task) {
      waiting.set(key, task);
      next();
    },
    drop: (key) => waiting.delete(key),
  };
}
