// Puts the page together: what it knows, what it shows, what it asks the server.

import { createActions } from "./actions.js";
import { createApi } from "./api.js";
import { createBell } from "./bell.js";
import { loadConfig, orderIdFrom } from "./config.js";
import { wireSheets } from "./dialogs.js";
import { byId, setText } from "./dom.js";
import { createMissing, latestByFile } from "./files.js";
import { createGrid } from "./grid.js";
import { createI18n } from "./i18n.js";
import { createLightbox } from "./lightbox.js";
import { createLimit } from "./limit.js";
import { announce, createMessages } from "./messages.js";
import { createPace } from "./pace.js";
import { createPictures } from "./pictures.js";
import { createPoll } from "./poll.js";
import { createPreviews } from "./previews.js";
import { explainView, hasStatus, isFinal, isNetwork } from "./problems.js";
import { createProgress } from "./progress.js";
import { createRefresh } from "./refresh.js";
import { createRevision } from "./revision.js";
import { currentToken, forgetToken, takeToken } from "./session.js";
import { createState } from "./state.js";
import { createSubmit } from "./submit.js";

const PREVIEWS_AT_ONCE = 4;
const LARGE_AT_ONCE = 2; // of its own: the large view never waits for the grid
const LOAD_AGAIN_MS = [2_000, 5_000, 10_000, 20_000];

async function start() {
  takeToken();
  const [config, i18n] = await load();
  const page = { i18n, orderId: orderIdFrom(location.pathname), state: createState() };
  page.api = createApi({ base: config.apiBase, token: currentToken });
  page.messages = createMessages(i18n);
  page.isMissing = missingIn(page.state);
  page.previews = createPreviews(page.api);
  page.pictures = createPictures({ previews: page.previews, limit: createLimit(PREVIEWS_AT_ONCE) });
  page.largePictures = createPictures({ previews: page.previews, limit: createLimit(LARGE_AT_ONCE) });
  wire(page);
}

/** Without its texts the page can say nothing in them: the one notice for that is in the HTML, in both languages. */
async function load() {
  const notice = byId("start-problem");
  for (let tries = 0; ; tries += 1) {
    try {
      const loaded = await Promise.all([loadConfig(), createI18n()]);
      notice.hidden = true;
      return loaded;
    } catch {
      notice.hidden = false;
      await new Promise((again) => setTimeout(again, LOAD_AGAIN_MS[Math.min(tries, LOAD_AGAIN_MS.length - 1)]));
    }
  }
}

function wire(page) {
  page.poll = createPoll({ work: refreshOf(page), pace: createPace(page) });
  page.actions = createActions({ ...page, refresh: page.poll.now, onSignedOut: (error) => complain(page, error) });
  page.revise = createRevision(page);
  page.grid = createGrid({ ...page, list: byId("grid") });
  page.lightbox = createLightbox({ ...page, pictures: page.largePictures, onClose: page.grid.focus });
  const renders = rendersOf(page);
  page.state.subscribe(() => renders.forEach((render) => render()));
  page.i18n.onChange(page.state.changed);
  wireSheets();
  wireClicks(page);
  page.state.changed();
  document.documentElement.removeAttribute("data-starting");
  page.poll.now();
}

function rendersOf(page) {
  const progress = createProgress({ i18n: page.i18n, announce });
  return [
    () => renderTexts(page),
    () => progress(page.state.get().counts),
    () => page.grid.render(page.state.get().files),
    createSubmit(page),
    createBell({ ...page, openFile: page.lightbox.open }),
    page.lightbox.render,
  ];
}

function refreshOf(page) {
  return createRefresh({
    ...page,
    onFine: () => recover(page),
    onProblem: (error) => complain(page, error),
  });
}

function complain(page, error) {
  if (hasStatus(error, 401)) forgetToken();
  const action = isNetwork(error) ? null : { key: "retry", run: () => page.poll.resume() };
  page.failed = isFinal(error);
  page.messages.show("view", () => explainView(error, page.i18n), { action });
  renderTexts(page);
}

function recover(page) {
  page.failed = false;
  if (!page.messages.clear("view")) return;
  page.messages.show("good", () => page.i18n.t("recovered"), { kind: "good" });
  page.grid.retryFailed();
  page.lightbox.retryFailed();
}

function renderTexts({ i18n, state, orderId, failed }) {
  const { loaded, files } = state.get();
  setText(byId("order-line"), i18n.t("order", { id: orderId }));
  const text = loaded ? "empty" : "loading";
  byId("notice").hidden = files.length > 0 || Boolean(failed);
  setText(byId("notice"), i18n.t(text));
}

function missingIn(state) {
  const isMissing = createMissing();
  let known = null;
  let latest = new Map();
  return (file) => {
    const { notifications } = state.get();
    if (known !== notifications) latest = latestByFile((known = notifications));
    return isMissing(file, latest);
  };
}

function wireClicks(page) {
  const run = {
    open: (id) => page.lightbox.open(id),
    mark: (id, node) => page.actions.mark([id], node.checked),
    approve: (id) => page.actions.approve(id),
    revise: (id) => page.revise(id),
  };
  byId("grid").addEventListener("click", (event) => {
    const node = event.target.closest("[data-act]");
    const id = event.target.closest(".tile")?.dataset.id;
    if (node && id) run[node.dataset.act](id, node);
  });
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => choose(page, button.dataset.language));
  }
  addEventListener("hashchange", () => signInAgain(page));
}

function choose({ i18n, messages }, language) {
  i18n.choose(language).then(
    () => messages.clear("language"),
    () => messages.show("language", () => i18n.t("error.language")),
  );
}

function signInAgain(page) {
  if (takeToken()) page.poll.resume();
}

start();
