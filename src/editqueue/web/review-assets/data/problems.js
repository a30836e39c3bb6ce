// What can go wrong when the server is asked.

/** @import { Problem } from "./types.js" */

/** The server refused. Without a problem in its answer (a proxy's error page), `code` is empty. */
export class ApiProblem extends Error {
  /**
   * @param {number} status
   * @param {Partial<Problem>} body
   */
  constructor(status, body) {
    super(body.detail ?? String(status));
    this.status = status;
    this.code = body.code ?? "";
    this.ids = Array.isArray(body.ids) ? body.ids : [];
  }
}

/** No answer, or only a part of one. */
export class NetworkProblem extends Error {}

/** @param {Response} response */
export async function problemOf(response) {
  /** @type {Partial<Problem> | null} */
  const body = await response.json().catch(() => null);
  return new ApiProblem(response.status, body ?? {});
}

/** @type {(error: unknown) => boolean} */
export const isNetwork = (error) => error instanceof NetworkProblem;

/** @type {(error: unknown, status: number) => boolean} */
export const hasStatus = (error, status) => error instanceof ApiProblem && error.status === status;

/**
 * Whether asking again cannot help before the person does something.
 * @type {(error: unknown) => boolean}
 */
export const isFinal = (error) => [401, 403, 404].some((status) => hasStatus(error, status));
