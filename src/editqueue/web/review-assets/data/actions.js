// What a person can do. Each tells how it went; nothing stays known that the server refused.

import { createApprovals } from "./approvals.js";
import { hasStatus, isNetwork } from "./problems.js";

/**
 * @import { Api, SubmitChoice } from "./api.js"
 * @import { Facts } from "./facts.js"
 * @import { Picks } from "./picks.js"
 * @import { KnownFile, State } from "./state.js"
 * @import { Undo } from "./undo.js"
 */

/** @typedef {ReturnType<typeof createActions>} Actions */
/** @typedef {{ id: string, name: string, error: unknown }} Result `error` is null for what went well */

/**
 * What is told about actions. Names are those of the files; `undo` takes the thing back.
 * @typedef {object} Report
 * @property {() => void} succeeded  any action, marks too
 * @property {(error: unknown, fileId: string) => void} failed  the id is empty when it is about several files
 * @property {(count: number, isMarked: boolean, undo: () => void) => void} marked
 * @property {(count: number) => void} submitted
 * @property {(name: string, undo: () => void) => void} approved
 * @property {(name: string) => void} revised
 * @property {(name: string) => void} removed
 */

/**
 * `onChanged`: something is different on the server now.
 * @param {{ api: Api, orderId: string, state: State, facts: Facts, picks: Picks, undo: Undo, report: Report,
 *   refresh: () => void, onChanged: () => void, onSignedOut: (error: unknown) => void }} page
 */
export function createActions({ api, orderId, state, facts, picks, undo, report, refresh, onChanged, onSignedOut }) {
  let marked = Promise.resolve(); // marks go out one after the other, so that the last click wins
  const approvals = createApprovals({ send: sendApproval });
  /** @type {Map<string, () => void>} file id -> what takes its approval back while it waits */
  const takeBacks = new Map();

  /**
   * @param {string} fileId
   * @param {() => Promise<unknown>} send
   */
  async function attempt(fileId, send) {
    state.acting(1);
    try {
      await send();
      report.succeeded();
      onChanged();
      return true;
    } catch (error) {
      fail(error, fileId);
      return false;
    } finally {
      state.acting(-1);
    }
  }

  /**
   * @param {unknown} error
   * @param {string} fileId
   */
  function fail(error, fileId) {
    if (hasStatus(error, 401)) {
      onSignedOut(error);
      return;
    }
    report.failed(error, fileId);
    setTimeout(refresh); // show what is true now
  }

  /**
   * @param {string[]} ids
   * @param {boolean} isMarked
   */
  function mark(ids, isMarked) {
    const takeBack = () => void change(ids, !isMarked);
    undo.offer(takeBack);
    if (ids.length > 1) report.marked(ids.length, isMarked, () => undo.take(takeBack));
    return change(ids, isMarked);
  }

  /**
   * @param {string[]} ids
   * @param {boolean} isMarked
   */
  function change(ids, isMarked) {
    const [chosenAnew, onServer] = split(ids);
    picks.set(chosenAnew, isMarked);
    if (chosenAnew.length > 0) onChanged();
    state.patch(onServer, { marked: isMarked });
    if (onServer.length === 0) return marked;
    const fileId = (onServer.length === 1 && onServer[0]) || "";
    marked = marked
      .then(() => attempt(fileId, () => api.mark(onServer, isMarked)))
      .then((went) => {
        if (!went) state.patch(onServer, { marked: !isMarked });
      });
    return marked;
  }

  /**
   * Those that came back from editing, and all others.
   * @param {string[]} ids
   * @returns {[string[], string[]]}
   */
  function split(ids) {
    const cameBack = ids.filter((id) => holds(id, facts.cameBack));
    return [cameBack, ids.filter((id) => !cameBack.includes(id))];
  }

  /**
   * @param {string} id
   * @param {(file: KnownFile) => boolean} ask
   */
  function holds(id, ask) {
    const file = state.file(id);
    return file !== undefined && ask(file);
  }

  /**
   * @param {string[]} ids
   * @param {SubmitChoice} choice
   */
  async function submit(ids, choice) {
    await marked; // the server must know every mark by then
    const unmarked = ids.filter((id) => holds(id, (file) => !file.marked));
    const went = await attempt("", async () => {
      if (unmarked.length > 0) await api.mark(unmarked, true);
      await api.submit(orderId, ids, choice);
    });
    if (went) {
      picks.set(ids, false);
      undo.clear();
      report.submitted(ids.length);
    }
    return settle(went, ids, { status: "queued", marked: true, sent: true });
  }

  /**
   * Shown at once, sent when it can no longer be taken back.
   * @param {string} id
   */
  function approve(id) {
    const takeBack = () => {
      if (approvals.take(id)) withdraw(id);
    };
    state.hold(id, { approved: true });
    approvals.add(id);
    takeBacks.set(id, takeBack);
    undo.offer(takeBack);
    report.approved(state.nameOf(id), () => undo.take(takeBack));
  }

  /** @param {string} id */
  function withdraw(id) {
    state.release(id);
    state.patch([id], { approved: false });
  }

  /** @param {string} id */
  async function sendApproval(id) {
    const takeBack = takeBacks.get(id);
    if (takeBack) undo.withdraw(takeBack);
    takeBacks.delete(id);
    const went = await attempt(id, () => api.approve(id));
    if (went) state.release(id);
    else withdraw(id);
  }

  /**
   * One after the other, whatever becomes of the one before; without a connection, the rest is not tried. Told as each is known; the promise ends with the last.
   * @param {string[]} ids
   * @param {(result: Result) => void} onResult
   */
  async function approveAll(ids, onResult) {
    state.acting(1);
    /** @type {unknown} what no other photo would fare better with */
    let end = null;
    for (const id of ids) {
      const error = end ?? (await outcomeOf(api.approve(id)));
      if (error === null) state.patch([id], { approved: true });
      if (isNetwork(error) || hasStatus(error, 401)) end = error;
      onResult({ id, name: state.nameOf(id), error });
    }
    state.acting(-1);
    if (hasStatus(end, 401)) onSignedOut(end);
    onChanged();
    refresh();
  }

  /**
   * @param {string} id
   * @param {string} note
   */
  async function revise(id, note) {
    const name = state.nameOf(id);
    approvals.take(id);
    state.release(id);
    const went = await attempt(id, () => api.revise(id, note));
    if (went) report.revised(name);
    return settle(went, [id], { status: "queued", sent: true, approved: false });
  }

  /** @param {string} id */
  async function remove(id) {
    const name = state.nameOf(id);
    const went = await attempt(id, () => api.remove(id));
    if (!went) return false;
    picks.set([id], false);
    report.removed(name);
    state.forget([id]);
    refresh();
    return true;
  }

  /**
   * @param {boolean} went
   * @param {string[]} ids
   * @param {Partial<KnownFile>} fields
   */
  function settle(went, ids, fields) {
    if (!went) return false;
    state.patch(ids, fields);
    refresh();
    return true;
  }

  return { mark, submit, approve, approveAll, revise, remove, sendLeft: approvals.sendLeft };
}

/**
 * The error that it ends with; null when it goes well.
 * @param {Promise<unknown>} asked
 * @returns {Promise<unknown>}
 */
const outcomeOf = (asked) =>
  asked.then(
    () => null,
    (error) => error,
  );
