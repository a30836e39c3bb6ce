"""Takes a database from migration to migration, each in processes that are killed a commit later every time, until one
gets to its end.

python -m tests.adapters.job_store.opening.killed_migrations URL

Prints how many were killed. Between them somebody works: a job ends, a file is deleted.
"""

import asyncio
import itertools
import os
import signal
import sys
import traceback
from functools import partial
from typing import Final

from sqlalchemy import Connection

from devtools.databases import run_statements
from editqueue.adapters.job_store.opening.migrate import upgrade
from editqueue.adapters.job_store.opening.open_store import open_database
from editqueue.adapters.job_store.opening.revisions import all_revisions

WORK: Final = (
    "UPDATE edit_jobs SET status = 'failed', finished_at = 1 WHERE id = (SELECT max(id) FROM edit_jobs)",
    "UPDATE files SET deleted_at = 1 WHERE id = (SELECT min(id) FROM files WHERE deleted_at IS NULL)",
)


def main(url: str) -> None:
    print(sum(_killed_until_it_is_done(url, revision) for revision in all_revisions()[1:]))


def _killed_until_it_is_done(url: str, revision: str) -> int:
    """How many processes were killed."""
    for moment in itertools.count():
        child = os.fork()
        if child == 0:
            _migrate_and_die(url, revision, moment)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return moment
        assert os.WIFSIGNALED(status), f"migrating to {revision} failed"
        run_statements(url, WORK)
    raise AssertionError


def _migrate_and_die(url: str, revision: str, moment: int) -> None:
    """After so many commits; what is not committed is gone then anyway."""
    moments = itertools.count()
    commit = Connection.commit
    database = open_database(url, command_seconds=None)

    def fatal_commit(self: Connection) -> None:
        commit(self)
        if next(moments) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    Connection.commit = fatal_commit
    try:
        asyncio.run(database.with_connection(partial(upgrade, to=revision)))
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
