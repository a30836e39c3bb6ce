// What went wrong, and the text a person understands.

const BY_CODE = new Set(["file_locked", "job_active", "file_not_marked", "file_not_done", "foreign_origin"]);
const NAMES_SHOWN = 3;

export class ApiProblem extends Error {
  constructor(status, body) {
    super(body.detail ?? String(status));
    this.status = status;
    this.code = body.code ?? "";
    this.ids = Array.isArray(body.ids) ? body.ids : [];
  }
}

export class NetworkProblem extends Error {}

export async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  return new ApiProblem(response.status, body ?? {});
}

export const isNetwork = (error) => error instanceof NetworkProblem;
export const hasStatus = (error, status) => error instanceof ApiProblem && error.status === status;

/** Whether asking again cannot help before the person does something. */
export const isFinal = (error) => [401, 403, 404].some((status) => hasStatus(error, status));

/** The text for an action that failed; `nameOf` gives the displayed name of a file id. */
export function explainAction(error, { t, nameOf, about }) {
  if (isNetwork(error)) return t("error.network_action");
  if (hasStatus(error, 404)) return t("error.gone");
  if (error.status >= 500) return t("error.unavailable_action");
  const names = listNames(error.ids?.length ? error.ids : [about], { t, nameOf });
  return t(keyOf(error), { names, detail: error.message });
}

/** The text for a view that could not be loaded. */
export function explainView(error, { t }) {
  if (isNetwork(error)) return t("error.network");
  if (hasStatus(error, 404) || hasStatus(error, 422)) return t("error.order_missing");
  return t(keyOf(error), { detail: error.message });
}

function keyOf(error) {
  if (BY_CODE.has(error.code)) return `error.${error.code}`;
  const byStatus = { 401: "unauthenticated", 403: "forbidden", 409: "conflict", 422: "invalid" };
  return `error.${byStatus[error.status] ?? (error.status >= 500 ? "unavailable" : "unexpected")}`;
}

function listNames(ids, { t, nameOf }) {
  const names = ids.map((id) => (id && nameOf(id) ? t("quoted", { name: nameOf(id) }) : t("error.a_file")));
  const shown = names.slice(0, NAMES_SHOWN).join(", ");
  const more = names.length - NAMES_SHOWN;
  return more > 0 ? t("error.and_more", { names: shown, count: more }) : shown;
}
