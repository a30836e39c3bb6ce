"""On PostgreSQL: the advisory locks by which consumers tell each other that they live.

A consumer has a row in `consumers`, and a session that holds a lock on its name. The server ends the lock with the
session, and the session with its connection. A row without a lock belongs to a consumer that is gone; whoever has taken
its jobs over removes it.
"""

from typing import Final

LOCK_CLASS: Final = 0x0ED1_70BC
"""The first half of the key, any number that nobody else takes such locks with; the other half is a name's hash. Were
two hashes the same, the second consumer would get no lock, and its jobs wait for their age."""

TRY_LOCK: Final = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
UNLOCK: Final = "SELECT pg_advisory_unlock(%s, hashtext(%s))"
REGISTER: Final = "INSERT INTO consumers (name) VALUES (%s) ON CONFLICT DO NOTHING"
FORGET: Final = """
DELETE FROM consumers
WHERE name = %s AND NOT EXISTS (SELECT FROM edit_jobs WHERE status = 'in_progress' AND holder = consumers.name)
"""

HELD: Final = f"""
EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {LOCK_CLASS} AND objsubid = 2 AND granted
      AND objid = CAST(hashtext(consumers.name) AS oid)
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""  # noqa: S608  # no part of it comes from outside
"""Whether anybody holds the lock of a row of `consumers`. It takes none, so it is in nobody's way."""
