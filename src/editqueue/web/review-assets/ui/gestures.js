// Fingers and mouse on the stage: a swipe goes to the next photo, two fingers zoom, one drags a zoomed picture.

/** @typedef {import("./zoom.js").Point} Point */
/** @typedef {{ level: () => number, isZoomed: () => boolean, apply: (level: number, anchor: Point) => void }} Zoom */

const SWIPE_PX = 50;
const SWIPE_SLOPE = 1.5; // how much more across than down

/** @param {{ stage: HTMLElement, zoom: Zoom, step: (by: 1 | -1) => void }} view */
export function wireGestures({ stage, zoom, step }) {
  /** @type {Map<number, Point>} */
  const down = new Map();
  /** @type {Point | null} where a single finger began; null when a second one came */
  let start = null;
  /** @type {{ spread: number, level: number } | null} */
  let pinch = null;

  /** @param {PointerEvent} event */
  function onDown(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    down.set(event.pointerId, pointOf(event));
    if (event.pointerType !== "mouse") stage.setPointerCapture(event.pointerId);
    start = down.size === 1 && event.pointerType !== "mouse" ? pointOf(event) : null;
    pinch = down.size === 2 ? { spread: spreadOf(down), level: zoom.level() } : null;
  }

  /** @param {PointerEvent} event */
  function onMove(event) {
    const before = down.get(event.pointerId);
    if (!before) return;
    if (event.pointerType === "mouse" && event.buttons !== 1) {
      down.delete(event.pointerId);
      return;
    }
    const now = pointOf(event);
    down.set(event.pointerId, now);
    if (pinch) zoom.apply((pinch.level * spreadOf(down)) / pinch.spread, middleOf(down));
    else if (zoom.isZoomed()) drag(before, now);
  }

  /** @type {(before: Point, now: Point) => void} */
  function drag(before, now) {
    stage.scrollLeft -= now.x - before.x;
    stage.scrollTop -= now.y - before.y;
  }

  /** @param {PointerEvent} event */
  function onUp(event) {
    const wasDown = down.delete(event.pointerId);
    if (wasDown && start && !zoom.isZoomed()) swipe(start, pointOf(event));
    if (down.size < 2) pinch = null;
    start = null;
  }

  /** @type {(from: Point, to: Point) => void} */
  function swipe(from, to) {
    const across = to.x - from.x;
    if (Math.abs(across) < Math.max(SWIPE_PX, SWIPE_SLOPE * Math.abs(to.y - from.y))) return;
    step(across < 0 ? 1 : -1);
  }

  /** @param {PointerEvent} event */
  function onCancel(event) {
    down.delete(event.pointerId);
    start = null;
    pinch = null;
  }

  stage.addEventListener("pointerdown", onDown);
  stage.addEventListener("pointermove", onMove);
  stage.addEventListener("pointerup", onUp);
  stage.addEventListener("pointercancel", onCancel);
}

/** @type {(event: PointerEvent) => Point} */
const pointOf = ({ clientX, clientY }) => ({ x: clientX, y: clientY });

/** @param {Map<number, Point>} fingers */
function spreadOf(fingers) {
  const [a, b] = [...fingers.values()];
  return a && b ? Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1) : 1;
}

/**
 * @param {Map<number, Point>} fingers
 * @returns {Point}
 */
function middleOf(fingers) {
  const points = [...fingers.values()];
  const sum = points.reduce((so, { x, y }) => ({ x: so.x + x, y: so.y + y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}
