"""A group of statements that is cancelled changes nothing, says so, and is in nobody's way afterwards."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event, text

from editqueue.adapters.job_store.engine import EngineDatabase, create_engine

SLOW = text(
    "INSERT INTO t SELECT count(*) FROM "
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i FROM n)"
)


async def test_a_cancelled_group_is_cancelled_and_gone(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/x.db")
    database = EngineDatabase(engine)
    await database.run(text("CREATE TABLE t (v INTEGER)"))
    begun = asyncio.Event()
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: begun.set())
    for _ in range(3):
        begun.clear()
        task = asyncio.create_task(database.run(SLOW, SLOW))
        await begun.wait()
        begun.clear()
        await begun.wait()  # the first was BEGIN, this is the statement
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    [rows] = await database.run(text("SELECT count(*) AS v FROM t"))
    await database.run(text("INSERT INTO t VALUES (1)"))
    await database.close()

    assert [dict(row) for row in rows] == [{"v": 0}]
