// What the API answers, by the names of its schemas (entrypoints/http/schemas.py, problems.py); a test compares both.

/** @typedef {"uploaded" | "queued" | "in_progress" | "done" | "failed"} FileStatus */
/** @typedef {"queued" | "in_progress" | "done" | "failed"} JobStatus */
/** @typedef {"edit_done" | "revision_required"} NotificationType */

/**
 * A photo of the order. Times are RFC 3339 in UTC.
 * @typedef {object} FileItem
 * @property {string} id
 * @property {string} order_id
 * @property {string} object_key
 * @property {string} name
 * @property {string} mime
 * @property {number} bytes
 * @property {string | null} room_type
 * @property {string | null} stack_id
 * @property {number} index
 * @property {number} ver
 * @property {FileStatus} status
 * @property {boolean} locked
 * @property {boolean} marked
 * @property {boolean} approved
 * @property {string | null} preview_url  where the preview lies in the bucket; PreviewAnswer has a URL that can be asked
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * @typedef {object} FilesAnswer
 * @property {FileItem[]} files
 * @property {string | null} next_cursor
 */

/**
 * How many files of the order are where. Files that were never sent off are not counted.
 * @typedef {object} StatusAnswer
 * @property {number} queued
 * @property {number} in_progress
 * @property {number} done
 * @property {number} failed
 * @property {number} total
 */

/**
 * @typedef {object} PreviewAnswer
 * @property {string} url
 * @property {string} expires_at
 */

/**
 * @typedef {object} NotificationItem
 * @property {string} id
 * @property {NotificationType} type
 * @property {string} created_at
 * @property {string} order_id
 * @property {string} file_id
 * @property {string} message  in German, always
 */

/**
 * @typedef {object} NotificationsAnswer
 * @property {NotificationItem[]} items
 * @property {string | null} next_cursor
 */

/**
 * @typedef {object} JobItem
 * @property {string} id
 * @property {string} file_id
 * @property {JobStatus} status
 */

/**
 * @typedef {object} Ok
 * @property {true} ok
 */

/**
 * @typedef {object} DeleteAnswer
 * @property {true} ok
 * @property {number} deleted
 */

/**
 * @typedef {object} SubmitAnswer
 * @property {true} ok
 * @property {JobItem[]} jobs
 */

/**
 * @typedef {object} ApproveAnswer
 * @property {true} ok
 * @property {"approved"} status
 */

/**
 * @typedef {object} RevisionAnswer
 * @property {true} ok
 * @property {"queued"} status
 * @property {string} job_id
 */

/**
 * Why the API refused (RFC 9457). `code` is stable; `ids` are the files it holds for.
 * @typedef {object} Problem
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} code
 * @property {string} detail
 * @property {string[] | null} [ids]
 * @property {Record<string, string[]> | null} [also]
 * @property {string | null} [field]
 */

export {};
