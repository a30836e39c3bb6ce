// Puts the page together: what it knows and asks (data/), and what is drawn of it (ui/). Data never imports ui.

import { createActions } from "./data/actions.js";
import { createApi } from "./data/api.js";
import { createFacts } from "./data/facts.js";
import { createForecast } from "./data/forecast.js";
import { createPicks } from "./data/picks.js";
import { createPolling } from "./data/polling.js";
import { createPreviews } from "./data/previews.js";
import { hasStatus, isFinal, isNetwork } from "./data/problems.js";
import { createSeen } from "./data/seen.js";
import { currentToken, forgetToken, orderIdFrom, takeToken } from "./data/session.js";
import { createState } from "./data/state.js";
import { createTabs } from "./data/tabs.js";
import { createUndo } from "./data/undo.js";
import { createAddress } from "./ui/address.js";
import { createApproveAll } from "./ui/approve-all.js";
import { createBell } from "./ui/bell.js";
import { createCulling } from "./ui/culling.js";
import { closeSheet, keepingFocus, wireSheets } from "./ui/dialogs.js";
import { byId, setText } from "./ui/dom.js";
import { createFilters } from "./ui/filters.js";
import { createGrid } from "./ui/grid.js";
import { createHelp } from "./ui/help.js";
import { onLanguageClicked } from "./ui/i18n.js";
import { createLightbox } from "./ui/lightbox.js";
import { createMessages } from "./ui/messages.js";
import { createReport, explainView } from "./ui/outcomes.js";
import { createPictures } from "./ui/pictures.js";
import { createProgress } from "./ui/progress.js";
import { createRemoval } from "./ui/removal.js";
import { createRevision } from "./ui/revision.js";
import { createSubmit } from "./ui/submit.js";

/** @import { I18n } from "./ui/i18n.js" */

const PREVIEWS_AT_ONCE = 4;
const LARGE_AT_ONCE = 2; // of its own: the large view never waits for the grid

/**
 * @param {string} apiBase
 * @param {I18n} i18n
 */
export function compose(apiBase, i18n) {
  const orderId = orderIdFrom(location.pathname);
  const api = createApi({ base: apiBase, token: currentToken });
  const state = createState();
  const picks = createPicks(orderId, state.changed);
  const facts = createFacts({ state, picks });
  const seen = createSeen(orderId);
  const forecast = createForecast();
  const undo = createUndo();
  const previews = createPreviews(api);
  const messages = createMessages(i18n);
  const report = createReport({ i18n, state, messages });
  let failed = false; // the view, in a way that asking again does not mend

  const polling = createPolling({ api, orderId, state, facts, seen, forecast, onFine: recover, onProblem: complain });
  const tabs = createTabs(orderId, () => {
    state.outdated();
    polling.now();
  });
  const actions = createActions({
    ...{ api, orderId, state, facts, picks, undo, report },
    refresh: polling.now,
    onChanged: tabs.tell,
    onSignedOut: complain,
  });

  const revise = createRevision({ i18n, state, actions });
  const remove = createRemoval({ i18n, state, actions });
  const filters = createFilters({ i18n, state, facts });
  const culling = createCulling({
    ...{ state, facts, actions, undo, filters, revise, remove },
    grid: () => grid,
    lightbox: () => lightbox,
    help: createHelp(),
  });
  const acts = { approve: culling.approve, revise, remove };
  const grid = createGrid({
    list: byId("grid"),
    i18n,
    pictures: createPictures({ previews, atOnce: PREVIEWS_AT_ONCE }),
    facts,
    acts: { ...acts, open: (id) => lightbox.open(id), mark: culling.mark },
  });
  const address = createAddress({ onShow: (id) => state.has(id) && lightbox.open(id), onLeave: leave });
  const lightbox = createLightbox({
    ...{ i18n, state, previews, facts },
    pictures: createPictures({ previews, atOnce: LARGE_AT_ONCE }),
    acts: { ...acts, toggleMark: culling.toggleMark },
    idsOf: () => filters.visible().map((file) => file.id),
    onShow: address.show,
    onClose: closed,
  });
  const progress = createProgress({ i18n, secondsLeft: () => forecast.secondsFor(inOurHands()) });
  const renders = [
    renderTexts,
    () => progress(state.get().counts),
    () => grid.render(filters.visible()),
    filters.render,
    culling.render,
    createSubmit({ i18n, state, actions, facts }),
    createApproveAll({ i18n, state, facts, actions }),
    createBell({ i18n, state, facts, seen, openFile: lightbox.open }),
    followLink,
    lightbox.render,
  ];

  /** @param {unknown} error */
  function complain(error) {
    const wasSignedIn = state.get().loaded || currentToken() !== null;
    if (hasStatus(error, 401)) forgetToken();
    const retry = { key: /** @type {const} */ ("retry"), run: () => polling.resume() };
    failed = isFinal(error);
    const tell = () => explainView(error, { t: i18n.t, wasSignedIn });
    messages.show("view", tell, { action: isNetwork(error) ? null : retry });
    renderTexts();
  }

  /** @param {boolean} isListed */
  function recover(isListed) {
    failed = false;
    const wasAway = messages.clear("view");
    if (wasAway) messages.show("good", () => i18n.t("recovered"), { kind: "good" });
    if (isListed) {
      report.listed();
      actions.sendLeft();
    }
    grid.retryFailed(wasAway);
    lightbox.retryFailed(wasAway);
  }

  function inOurHands() {
    const { counts, files } = state.get();
    return counts ? counts.in_progress + counts.queued - files.filter(facts.isMissing).length : 0;
  }

  /** Back was pressed: what lies on top is left. */
  function leave() {
    if (closeSheet()) return false;
    lightbox.close();
    return true;
  }

  /** @param {string} id */
  function closed(id) {
    address.left();
    grid.focus(id);
  }

  /** The page was opened by a link to one photo: it is shown as soon as it is known. */
  function followLink() {
    const id = linked;
    if (!id || !state.has(id)) return;
    linked = "";
    address.arrived();
    lightbox.open(id);
  }
  let linked = address.named();

  function renderTexts() {
    const { loaded, files } = state.get();
    setText(byId("order-line"), i18n.t("order", { id: orderId }));
    byId("notice").hidden = files.length > 0 || failed;
    setText(byId("notice"), i18n.t(loaded ? "empty" : "loading"));
  }

  function render() {
    keepingFocus(() => {
      for (const draw of renders) draw();
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) messages.clear("good"); // what waited to be taken back is sent now
  });
  state.subscribe(render);
  i18n.onChange(render);
  wireSheets();
  onLanguageClicked((language) =>
    i18n.choose(language).then(
      () => messages.clear("language"),
      () => messages.show("language", () => i18n.t("error.language")),
    ),
  );
  addEventListener("hashchange", () => {
    if (takeToken()) polling.resume();
  });
  render();
  document.documentElement.removeAttribute("data-starting");
  polling.now();
}
