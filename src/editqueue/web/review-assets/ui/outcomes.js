// What the page says about what went well or wrong, in words a person understands.

import { UNDO_MS } from "../data/approvals.js";
import { ApiProblem, hasStatus, isNetwork } from "../data/problems.js";

/**
 * @import { Report } from "../data/actions.js"
 * @import { State } from "../data/state.js"
 * @import { I18n, TextKey, Translate } from "./i18n.js"
 * @import { Messages } from "./messages.js"
 */

/** @typedef {{ t: Translate, nameOf: (id: string) => string }} Words `nameOf` gives the displayed name of a file */

/** @type {Map<string, TextKey>} */
const BY_CODE = new Map([
  ["file_locked", "error.file_locked"],
  ["job_active", "error.job_active"],
  ["file_not_marked", "error.file_not_marked"],
  ["file_not_done", "error.file_not_done"],
  ["foreign_origin", "error.foreign_origin"],
]);
/** @type {Map<number, TextKey>} */
const BY_STATUS = new Map([
  [401, "error.unauthenticated"],
  [403, "error.forbidden"],
  [409, "error.conflict"],
  [422, "error.invalid"],
]);
const NAMES_SHOWN = 3;

/**
 * `listed` says that the page shows again what is true on the server.
 * @param {{ i18n: I18n, state: State, messages: Messages }} page
 * @returns {Report & { listed: () => void }}
 */
export function createReport({ i18n, state, messages }) {
  const words = { t: i18n.t, nameOf: state.nameOf };
  let isDoubtful = false; // the last action: nobody answered, so it may have been done or not

  /**
   * @param {() => string} tell
   * @param {() => void} [undo]
   */
  const good = (tell, undo) =>
    messages.show("good", tell, { kind: "good", action: undo ? { key: "undo", run: undo } : null, forMs: UNDO_MS });

  /**
   * @param {unknown} error
   * @param {string} fileId
   */
  function failed(error, fileId) {
    isDoubtful = isNetwork(error);
    messages.show("action", () => explainAction(error, fileId, words));
  }

  function listed() {
    if (isDoubtful) messages.clear("action");
    isDoubtful = false;
  }

  return {
    listed,
    succeeded: () => messages.clear("action"),
    failed,
    marked: (count, isMarked, undo) =>
      good(() => (isMarked ? i18n.count("mark.done", count) : i18n.count("mark.undone", count)), undo),
    removed: (name) => good(() => i18n.t("remove.done", { name })),
    submitted: (count) => good(() => i18n.count("submit.done", count)),
    approved: (name, undo) => good(() => i18n.t("approve.done", { name }), undo),
    revised: (name) => good(() => i18n.t("revision.done", { name })),
  };
}

/**
 * The text for a view that could not be loaded.
 * @param {unknown} error
 * @param {{ t: Translate, wasSignedIn: boolean }} page
 */
export function explainView(error, { t, wasSignedIn }) {
  if (hasStatus(error, 401) && !wasSignedIn) return t("error.never_signed_in");
  if (isNetwork(error)) return t("error.network");
  if (hasStatus(error, 404) || hasStatus(error, 422)) return t("error.order_missing");
  return t(keyOf(error), { detail: detailOf(error) });
}

/**
 * The text for an action that failed.
 * @param {unknown} error
 * @param {string} fileId  of the file it was about; empty for several
 * @param {Words} words
 */
export function explainAction(error, fileId, words) {
  const { t } = words;
  if (isNetwork(error)) return t("error.network_action");
  if (hasStatus(error, 404)) return t("error.gone");
  if (isOutage(error)) return t("error.unavailable_action");
  const ids = error instanceof ApiProblem && error.ids.length > 0 ? error.ids : [fileId];
  return t(keyOf(error), { names: listNames(ids, words), detail: detailOf(error) });
}

/**
 * @param {unknown} error
 * @returns {TextKey}
 */
function keyOf(error) {
  if (!(error instanceof ApiProblem)) return "error.unexpected";
  const otherwise = isOutage(error) ? "error.unavailable" : "error.unexpected";
  return BY_CODE.get(error.code) ?? BY_STATUS.get(error.status) ?? otherwise;
}

/** @type {(error: unknown) => boolean} */
const isOutage = (error) => error instanceof ApiProblem && (error.status >= 500 || error.status === 408);

/** @param {unknown} error */
const detailOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * @param {string[]} ids
 * @param {Words} words
 */
function listNames(ids, { t, nameOf }) {
  const names = ids.map((id) => (id && nameOf(id) ? t("quoted", { name: nameOf(id) }) : t("error.a_file")));
  const shown = names.slice(0, NAMES_SHOWN).join(", ");
  const more = names.length - NAMES_SHOWN;
  return more > 0 ? t("error.and_more", { names: shown, count: more }) : shown;
}
