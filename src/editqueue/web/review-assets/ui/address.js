// The photo that the address names (#photo=ID): a link to one photo, and Back closes the large view.

const NAME = "photo";
const SETTLE_MS = 200; // browsers refuse an address that changes with every repeat of a key

/**
 * @param {{ onShow: (id: string) => void, onLeave: () => boolean }} view  `onLeave` says whether the photo was left, and
 *   not something above it
 */
export function createAddress({ onShow, onLeave }) {
  let shown = "";
  history.scrollRestoration = "manual"; // focus goes to the photo that was looked at last, and the window with it

  /** The photo that the address names; empty for none. */
  const named = () => new URLSearchParams(location.hash.slice(1)).get(NAME) ?? "";

  /** @type {number | undefined} */
  let later;

  /** @param {string} id */
  const hashOf = (id) => `#${new URLSearchParams({ [NAME]: id })}`;
  const plain = () => location.pathname + location.search;

  function onBack() {
    clearTimeout(later);
    const id = named();
    if (id) onShow(id);
    else if (!onLeave() && shown) history.pushState({ shown }, "", hashOf(shown));
  }

  addEventListener("popstate", onBack);
  return {
    named,
    /** A link was followed: what lies behind it is the page without the photo. */
    arrived() {
      history.replaceState(null, "", plain());
    },
    /** @param {string} id */
    show(id) {
      const isFirst = shown === "";
      shown = id;
      clearTimeout(later);
      if (isFirst && !named()) history.pushState({ shown }, "", hashOf(id));
      else later = setTimeout(() => history.replaceState({ shown }, "", hashOf(shown)), SETTLE_MS);
    },
    /** The large view was closed by other means than Back. */
    left() {
      clearTimeout(later);
      shown = "";
      if (named()) history.back();
    },
  };
}
