// Tells which elements are near the window.

const NEAR = "150% 0px"; // one and a half windows ahead

/** @param {{ enter: (node: Element) => void, leave: (node: Element) => void }} on */
export function createNearness({ enter, leave }) {
  /** @type {Set<Element>} */
  const inside = new Set();
  const observer = new IntersectionObserver(
    (changes) => {
      for (const { target, isIntersecting } of changes) note(target, isIntersecting);
    },
    { rootMargin: NEAR },
  );

  /**
   * @param {Element} node
   * @param {boolean} isInside
   */
  function note(node, isInside) {
    if (isInside) {
      inside.add(node);
      enter(node);
    } else if (inside.delete(node)) {
      leave(node);
    }
  }

  return {
    /** @param {Element} node */
    watch: (node) => observer.observe(node),
    /** @param {Element} node */
    has: (node) => inside.has(node),
    /** @param {Element} node */
    forget(node) {
      observer.unobserve(node);
      inside.delete(node);
    },
  };
}
