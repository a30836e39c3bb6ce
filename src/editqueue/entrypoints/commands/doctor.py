"""doctor: what is wrong with this installation, and what to do about it."""

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import timedelta

from editqueue.domain.errors import EditQueueError, SetupError
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.entrypoints.commands.doctor_bucket import (
    Check,
    check_bucket,
    check_stored_objects,
    examples_of,
    remove_leftovers,
)
from editqueue.ports.bucket import Bucket
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store import JobStore
from editqueue.ports.time import TOLERANCE
from editqueue.settings import Settings, load_settings
from editqueue.use_cases.operator.check_objects import Finding
from editqueue.wiring.data_dir import jwt_secret, prepared_data_dir
from editqueue.wiring.database_clock import DatabaseClock, Probe
from editqueue.wiring.job_queue import look_at_queue
from editqueue.wiring.server import Tool, image_tools, open_job_store
from editqueue.wiring.system_clock import SystemClock

PAUSE_TOLD_WITHIN = timedelta(minutes=3)
"""A consumer that waits says so at least this often; one that has not is gone."""
_QUEUE_WORDS: Mapping[str, str] = {
    "local": "local: wakes the consumers of this machine",
    "postgres": "postgres: the database wakes its consumers",
    "none": "none: the sweep alone moves the work",
}


async def run_doctor(*, fix: bool, as_json: bool) -> None:
    """Print every check. Raises SetupError when something is broken."""
    checks = [check async for check in _check_all(fix=fix)]
    broken = [check.name for check in checks if not check.ok]
    if as_json:
        print_json({"healthy": not broken, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            print_line(f"{'ok    ' if check.ok else 'BROKEN'}  {check.name}: {check.detail}")
            if check.remedy:
                print_line(f"        -> {check.remedy}")
    if broken:
        raise SetupError(
            f"{len(broken)} of {len(checks)} checks found something broken: {examples_of(Finding().plus(broken))}"
        )


async def _check_all(*, fix: bool) -> AsyncGenerator[Check]:
    """One after the other; what is broken does not hide what else is."""
    try:
        settings = load_settings()
        jwt_secret(settings)
        if settings.embedded:
            prepared_data_dir(settings)
    except SetupError as error:
        yield Check(name="settings", ok=False, detail=str(error), remedy="set it right and run doctor again")
        return
    kind = f"embedded in {settings.data_dir}" if settings.embedded else "database and secret of your own"
    yield Check(name="settings", ok=True, detail=kind)
    for tool in image_tools():
        yield _check_tool(tool)
    yield await _check_queue(settings)
    async for check in _check_stores(settings, fix=fix):
        yield check


def _check_tool(tool: Tool) -> Check:
    needed = tool.package == "pyvips"
    missing = "not installed: every preview is a plain copy" if needed else "not installed"
    return Check(
        name=f"image tool {tool.package}",
        ok=tool.version is not None or not needed,
        detail=tool.version or missing,
        remedy="" if tool.version else f"for {tool.reads}: {tool.remedy}",
    )


async def _check_queue(settings: Settings) -> Check:
    found = await look_at_queue(settings)
    if found is None:
        return Check(name="queue", ok=True, detail=_QUEUE_WORDS[settings.queue])
    return Check(name="queue", ok=found.ok, detail=found.detail, remedy=found.remedy)


async def _check_stores(settings: Settings, *, fix: bool) -> AsyncGenerator[Check]:
    async with AsyncExitStack() as stack:
        store, database_check = await _check_database(settings, stack)
        bucket, bucket_check = await check_bucket(settings, store, stack)
        yield bucket_check
        yield database_check
        if store is not None:
            yield await _guarded("locks", _check_locks(store, fix=fix))
            yield await _guarded("consumers", _check_consumers(store))
            yield await _guarded("consumers alive", _check_alive(store))
        for against, probe in _probes(bucket, store).items():
            check = await _guarded(f"clock against the {against}", _check_clock(against, probe))
            fix = fix and check.ok  # by a wrong clock, young objects look old
            yield check
        if bucket is not None and fix:
            yield await _guarded("leftovers", remove_leftovers(bucket))
        if bucket is not None and store is not None:
            async for check in check_stored_objects(bucket, store, fix=fix):
                yield check


async def _guarded(name: str, work: Awaitable[Check]) -> Check:
    try:
        return await work
    except EditQueueError as error:
        return Check(name=name, ok=False, detail=str(error), remedy="see the findings above and run doctor again")


async def _check_database(settings: Settings, stack: AsyncExitStack) -> tuple[JobStore | None, Check]:
    try:
        store = await stack.enter_async_context(open_job_store(settings))
        await store.queue_stats(now=SystemClock().now())
    except EditQueueError as error:
        behind = "`editqueue migrate`" in str(error)
        remedy = "editqueue migrate" if behind else "check EDITQUEUE_DATABASE_URL and its server"
        return None, Check(name="database", ok=False, detail=str(error), remedy=remedy)
    return store, Check(name="database", ok=True, detail="reachable, schema up to date")


async def _check_locks(store: JobStore, *, fix: bool) -> Check:
    now = SystemClock().now()
    if fix and (released := await store.reset_stale_locks(now=now)):
        return Check(name="locks", ok=True, detail=f"{len(released)} locks without a job were reset")
    if found := (await store.queue_stats(now=now)).stale_locks:
        return Check(
            name="locks",
            ok=False,
            detail=f"{found} files are locked without a job in progress",
            remedy="editqueue doctor --fix resets them",
        )
    return Check(name="locks", ok=True, detail="every lock has its job")


async def _check_consumers(store: JobStore) -> Check:
    waiting = await store.pauses(seen_after=await store.probe() - PAUSE_TOLD_WITHIN)
    if not waiting:
        return Check(name="consumers", ok=True, detail="none is paused")
    return Check(
        name="consumers",
        ok=False,
        detail="; ".join(map(_pause_in_words, waiting)),
        remedy="mend what they wait for; they go on by themselves",
    )


async def _check_alive(store: JobStore) -> Check:
    living = await store.living_consumers()
    if living is None:
        return Check(name="consumers alive", ok=True, detail="D1 does not tell")
    names = [f"{consumer.name} (in progress: {len(consumer.jobs)})" for consumer in living]
    return Check(name="consumers alive", ok=True, detail=", ".join(names) or "none")


def _pause_in_words(pause: ConsumerPause) -> str:
    return (
        f"{pause.consumer} is paused since {pause.since:%Y-%m-%dT%H:%M:%SZ}, waiting for {pause.ground}: {pause.reason}"
    )


def _probes(bucket: Bucket | None, store: JobStore | None) -> Mapping[str, Probe]:
    probes: dict[str, Probe] = {}
    if store is not None:
        probes["database"] = store.probe
    if bucket is not None:
        probes["bucket"] = bucket.now
    return probes


async def _check_clock(against: str, probe: Probe) -> Check:
    skew = await DatabaseClock(probe, system=SystemClock()).ask()
    seconds = skew.total_seconds()
    return Check(
        name=f"clock against the {against}",
        ok=abs(skew) <= TOLERANCE,
        detail=f"this machine's is {abs(seconds):.1f} s {'ahead' if seconds > 0 else 'behind'}",
        remedy=""
        if abs(skew) <= TOLERANCE
        else f"let NTP keep it and that of the {against}: timedatectl set-ntp true, or chrony (chronyc tracking)",
    )
