// Zoom of the large view: the picture grows inside a scrolling stage, so touch, wheel and keys pan by themselves.

const STEPS = [1, 1.5, 2, 3, 4];

/** @param {{ stage: HTMLElement, image: HTMLElement, tell: (level: number) => void }} view  `tell` hears 1 for the whole */
export function createZoom({ stage, image, tell }) {
  let at = 0;
  const level = () => STEPS[at] ?? 1;

  /** @param {number} step */
  function apply(step) {
    const centre = centreOf(stage);
    at = Math.min(Math.max(step, 0), STEPS.length - 1);
    stage.classList.toggle("is-zoomed", at > 0);
    image.style.setProperty("--zoom", String(level()));
    scrollTo(stage, centre);
    tell(level());
  }

  stage.addEventListener("dblclick", () => apply(at === 0 ? 2 : 0));
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      apply(at + (event.deltaY < 0 ? 1 : -1));
    },
    { passive: false },
  );
  dragToPan(stage);
  return {
    in: () => apply(at + 1),
    out: () => apply(at - 1),
    reset: () => apply(0),
    isZoomed: () => at > 0,
    tellAgain: () => tell(level()),
  };
}

/**
 * The middle of what is seen, as shares of the whole.
 * @param {HTMLElement} stage
 */
function centreOf(stage) {
  return {
    x: (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth,
    y: (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight,
  };
}

/**
 * @param {HTMLElement} stage
 * @param {{ x: number, y: number }} centre
 */
function scrollTo(stage, { x, y }) {
  stage.scrollLeft = x * stage.scrollWidth - stage.clientWidth / 2;
  stage.scrollTop = y * stage.scrollHeight - stage.clientHeight / 2;
}

/** @param {HTMLElement} stage */
function dragToPan(stage) {
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons !== 1) return;
    stage.scrollLeft -= event.movementX;
    stage.scrollTop -= event.movementY;
  });
}
