"""How a bench and its worker processes talk: one line of JSON each way."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Report = Mapping[str, Any]


async def when_told(work: Callable[[], Awaitable[Report]]) -> None:
    """Say that everything is open and warm, wait for the bench, work, and report.

    A report carries `cpu_seconds` of this process besides its own, and moments as of `time.time()`.
    """
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    before = time.process_time()
    report = await work()
    print(json.dumps({**report, "cpu_seconds": time.process_time() - before}), flush=True)
