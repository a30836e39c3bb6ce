// Zoom of the large view: the picture grows inside a scrolling stage. Wheel, keys, buttons, drag and two fingers.

const STEPS = [1, 1.5, 2, 3, 4];
const MOST = 4;
const NEARLY = 0.01;

/** @typedef {{ x: number, y: number }} Point */

/** @param {{ stage: HTMLElement, image: HTMLElement, tell: (level: number) => void }} view  `tell` hears 1 for the whole */
export function createZoom({ stage, image, tell }) {
  let level = 1;
  let isMeant = false; // the first click of a pair was on this picture, too

  /**
   * @param {number} wanted
   * @param {Point} [anchor]  what stays where it is, in the window's pixels; the middle of the stage otherwise
   */
  function apply(wanted, anchor = middleOf(stage)) {
    const place = placeOf(stage, anchor);
    level = Math.min(Math.max(wanted, 1), MOST);
    stage.classList.toggle("is-zoomed", isZoomed());
    image.style.setProperty("--zoom", String(level));
    scrollTo(stage, place, anchor);
    tell(level);
  }

  const isZoomed = () => level > 1 + NEARLY;
  const stepIn = () => apply(STEPS.find((step) => step > level + NEARLY) ?? MOST);
  const stepOut = () => apply(STEPS.findLast((step) => step < level - NEARLY) ?? 1);

  stage.addEventListener("click", (event) => {
    if (event.detail === 1) isMeant = true;
  });
  stage.addEventListener("dblclick", ({ clientX: x, clientY: y }) => {
    if (isMeant) apply(isZoomed() ? 1 : 2, { x, y });
  });
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      if (event.deltaY < 0) stepIn();
      else stepOut();
    },
    { passive: false },
  );
  return {
    in: stepIn,
    out: stepOut,
    apply,
    level: () => level,
    /** The whole picture, as for one that was just opened. */
    reset() {
      isMeant = false;
      apply(1);
    },
    whole: () => apply(1),
    isZoomed,
    tellAgain: () => tell(level),
  };
}

/**
 * @param {HTMLElement} stage
 * @returns {Point}
 */
function middleOf(stage) {
  const { left, top, width, height } = stage.getBoundingClientRect();
  return { x: left + width / 2, y: top + height / 2 };
}

/**
 * Where in the picture a point of the window lies, as shares of the whole.
 * @param {HTMLElement} stage
 * @param {Point} point
 * @returns {Point}
 */
function placeOf(stage, { x, y }) {
  const { left, top } = stage.getBoundingClientRect();
  return {
    x: (stage.scrollLeft + x - left) / stage.scrollWidth,
    y: (stage.scrollTop + y - top) / stage.scrollHeight,
  };
}

/**
 * @param {HTMLElement} stage
 * @param {Point} place  a share of the whole
 * @param {Point} point  where it is to be, in the window's pixels
 */
function scrollTo(stage, place, { x, y }) {
  const { left, top } = stage.getBoundingClientRect();
  stage.scrollLeft = place.x * stage.scrollWidth - (x - left);
  stage.scrollTop = place.y * stage.scrollHeight - (y - top);
}
