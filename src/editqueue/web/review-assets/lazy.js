// Tells which tiles are near the window: they get their preview, those far away give it back.

export function createLazy({ near, enter, leave }) {
  const inside = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) note(target, isIntersecting);
    },
    { rootMargin: near },
  );

  function note(target, isIntersecting) {
    if (isIntersecting) {
      inside.add(target);
      enter(target);
    } else if (inside.delete(target)) {
      leave(target);
    }
  }

  return {
    watch: (target) => observer.observe(target),
    forget(target) {
      observer.unobserve(target);
      inside.delete(target);
    },
    has: (target) => inside.has(target),
  };
}
