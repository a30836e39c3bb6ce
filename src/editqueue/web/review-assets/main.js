// Puts the page together: what it knows and asks (data/), and what is drawn of it (ui/). Data never imports ui.

import { createActions } from "./data/actions.js";
import { createApi, loadApiBase } from "./data/api.js";
import { createMissing } from "./data/files.js";
import { createPolling } from "./data/polling.js";
import { createPreviews } from "./data/previews.js";
import { hasStatus, isFinal, isNetwork } from "./data/problems.js";
import { currentToken, forgetToken, orderIdFrom, takeToken } from "./data/session.js";
import { createState } from "./data/state.js";
import { createBell } from "./ui/bell.js";
import { wireSheets } from "./ui/dialogs.js";
import { byId, setText } from "./ui/dom.js";
import { createGrid } from "./ui/grid.js";
import { createI18n, onLanguageClicked } from "./ui/i18n.js";
import { createLightbox } from "./ui/lightbox.js";
import { createMessages } from "./ui/messages.js";
import { createReport, explainView } from "./ui/outcomes.js";
import { createPictures } from "./ui/pictures.js";
import { createProgress } from "./ui/progress.js";
import { createRevision } from "./ui/revision.js";
import { createSubmit } from "./ui/submit.js";

/** @import { I18n } from "./ui/i18n.js" */

const PREVIEWS_AT_ONCE = 4;
const LARGE_AT_ONCE = 2; // of its own: the large view never waits for the grid
const LOAD_AGAIN_MS = [2_000, 5_000, 10_000];
const LOAD_LAST_MS = 20_000;

async function start() {
  takeToken();
  const [apiBase, i18n] = await load();
  compose(apiBase, i18n);
}

/** Without its texts the page can say nothing in them: the one notice for that is in the HTML, in both languages. */
async function load() {
  const notice = byId("start-problem");
  for (let tries = 0; ; tries += 1) {
    try {
      const loaded = await Promise.all([loadApiBase(), createI18n()]);
      notice.hidden = true;
      return loaded;
    } catch {
      notice.hidden = false;
      await new Promise((again) => setTimeout(again, LOAD_AGAIN_MS[tries] ?? LOAD_LAST_MS));
    }
  }
}

/**
 * @param {string} apiBase
 * @param {I18n} i18n
 */
function compose(apiBase, i18n) {
  const orderId = orderIdFrom(location.pathname);
  const api = createApi({ base: apiBase, token: currentToken });
  const state = createState();
  const isMissing = createMissing(state);
  const previews = createPreviews(api);
  const messages = createMessages(i18n);
  let failed = false; // the view, in a way that asking again does not mend

  const polling = createPolling({ api, orderId, state, isMissing, onFine: recover, onProblem: complain });
  const report = createReport({ i18n, state, messages });
  const actions = createActions({ api, orderId, state, report, refresh: polling.now, onSignedOut: complain });
  const revise = createRevision({ i18n, state, actions });
  const grid = createGrid({
    list: byId("grid"),
    i18n,
    pictures: createPictures({ previews, atOnce: PREVIEWS_AT_ONCE }),
    isMissing,
    acts: {
      open: (id) => lightbox.open(id),
      mark: (id, isChecked) => actions.mark([id], isChecked),
      approve: actions.approve,
      revise,
    },
  });
  const lightbox = createLightbox({
    i18n,
    state,
    pictures: createPictures({ previews, atOnce: LARGE_AT_ONCE }),
    previews,
    isMissing,
    actions,
    revise,
    onClose: grid.focus,
  });
  const progress = createProgress(i18n);
  const renders = [
    renderTexts,
    () => progress(state.get().counts),
    () => grid.render(state.get().files),
    createSubmit({ i18n, state, actions, isMissing }),
    createBell({ i18n, state, openFile: lightbox.open }),
    lightbox.render,
  ];

  /** @param {unknown} error */
  function complain(error) {
    if (hasStatus(error, 401)) forgetToken();
    const retry = { key: /** @type {const} */ ("retry"), run: () => polling.resume() };
    failed = isFinal(error);
    messages.show("view", () => explainView(error, i18n.t), { action: isNetwork(error) ? null : retry });
    renderTexts();
  }

  function recover() {
    failed = false;
    if (!messages.clear("view")) return;
    messages.show("good", () => i18n.t("recovered"), { kind: "good" });
    grid.retryFailed();
    lightbox.retryFailed();
  }

  function renderTexts() {
    const { loaded, files } = state.get();
    setText(byId("order-line"), i18n.t("order", { id: orderId }));
    byId("notice").hidden = files.length > 0 || failed;
    setText(byId("notice"), i18n.t(loaded ? "empty" : "loading"));
  }

  function render() {
    for (const draw of renders) draw();
  }

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

start();
