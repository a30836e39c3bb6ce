"""doctor: what is wrong with this installation, and what to do about it."""

from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

from editqueue.domain.errors import EditQueueError, SetupError
from editqueue.entrypoints.commands.check import Check, broken, good
from editqueue.entrypoints.commands.console import print_json, print_line
from editqueue.entrypoints.commands.doctor_bucket import (
    check_bucket,
    check_stored_objects,
    examples_of,
    remove_leftovers,
)
from editqueue.ports.bucket import Bucket
from editqueue.ports.consumers import ConsumerPause
from editqueue.ports.job_store import JobStore, Schema
from editqueue.ports.time import TOLERANCE
from editqueue.setting_patterns import d1_database_id
from editqueue.settings import Settings, load_settings
from editqueue.settings.wording import WrongSettings
from editqueue.use_cases.operator.check_objects import Finding
from editqueue.wiring.data_dir import has_jwt_secret, prepared_data_dir
from editqueue.wiring.database_clock import DatabaseClock, Probe
from editqueue.wiring.job_queue import look_at_queue
from editqueue.wiring.job_store import how_to_migrate, open_job_store
from editqueue.wiring.places import shown_database
from editqueue.wiring.server import Tool, image_tools
from editqueue.wiring.system_clock import SystemClock
from editqueue.wiring.traces import look_at_traces, shown_endpoint

PAUSE_TOLD_WITHIN = timedelta(minutes=3)
"""A consumer that waits says so at least this often; one that has not is gone."""
_LABELS: Mapping[str, str] = {"ok": "ok     ", "missing": "missing", "broken": "BROKEN "}
_NO_DATABASE_HERE = "EDITQUEUE_DATA_DIR says where the system runs; `editqueue serve` starts one where there is none"
_NO_DATABASE = "mount the disk that it is on; only for a new system: editqueue migrate"
_ANOTHERS = "give the database of the running system, or a place where there is none yet"
_DATABASE_REMEDIES: Mapping[str, str] = {
    "`editqueue migrate`": "editqueue migrate",
    "or a newer one": "run a newer version of editqueue",
    "readonly": "let the user that runs editqueue write the database file and its folder; mount their disk writable",
    "another program": _ANOTHERS,
    "file is not a database": _ANOTHERS,
}
"""By what is said of it."""
_SET_RIGHT = "set it right and run doctor again"
_QUEUE_WORDS: Mapping[str, str] = {
    "local": "local: wakes the consumers of this machine",
    "postgres": "postgres: the database wakes its consumers",
    "none": "none: the sweep alone moves the work",
}


async def run_doctor(*, fix: bool, as_json: bool) -> None:
    """Print every check. Raises SetupError when something is broken."""
    checks = [check async for check in _check_all(fix=fix)]
    names = [check.name for check in checks if check.state == "broken"]
    if as_json:
        print_json({"healthy": not names, "checks": [check.document() for check in checks]})
    else:
        for check in checks:
            print_line(f"{_LABELS[check.state]} {check.name}: {check.detail}")
            if check.remedy:
                print_line(f"        -> {check.remedy}")
    if names:
        raise SetupError(
            f"{len(names)} of {len(checks)} checks found something broken: {examples_of(Finding().plus(names))}"
        )


async def _check_all(*, fix: bool) -> AsyncGenerator[Check]:
    """One after the other; what is broken does not hide what else is."""
    try:
        settings = load_settings()
        secret = "" if has_jwt_secret(settings) else "; no JWT_SECRET yet, `editqueue serve` makes one"
    except SetupError as error:
        for problem in error.problems if isinstance(error, WrongSettings) else [str(error)]:
            yield broken("settings", problem, _SET_RIGHT)
        return
    yield _check_data_dir(settings, secret)
    for tool in image_tools():
        yield _check_tool(tool)
    yield await _check_queue(settings)
    yield await _check_traces(settings)
    async for check in _check_stores(settings, fix=fix):
        yield check


def _check_data_dir(settings: Settings, secret: str) -> Check:
    try:
        if settings.embedded and settings.data_dir.is_dir():
            prepared_data_dir(settings)
    except SetupError as error:
        return broken("settings", str(error), _SET_RIGHT)
    kind = f"embedded in {settings.data_dir.absolute()}" if settings.embedded else "database and secret of your own"
    return good("settings", f"{kind}{secret}")


def _check_tool(tool: Tool) -> Check:
    name = f"image tool {tool.package}"
    if tool.version is not None:
        return good(name, tool.version)
    remedy = f"for {tool.reads}: {tool.remedy}"
    if tool.package == "pyvips":
        return broken(name, "not installed: every preview is a plain copy", remedy)
    return Check(name=name, state="missing", detail="not installed", remedy=remedy)


async def _check_queue(settings: Settings) -> Check:
    found = await look_at_queue(settings)
    if found is None:
        return good("queue", _QUEUE_WORDS[settings.queue])
    return good("queue", found.detail) if found.ok else broken("queue", found.detail, found.remedy)


async def _check_traces(settings: Settings) -> Check:
    url = settings.traces_endpoint
    if url is None:
        return good("traces", "off")
    try:
        wrong = await look_at_traces(settings)
    except SetupError as error:
        return broken("traces", str(error), "pip install 'editqueue[otel]'")
    if wrong is None:
        return good("traces", f"sent to {shown_endpoint(url)}")
    return broken(
        "traces", f"{shown_endpoint(url)}: {wrong}", "start the collector there, or set OTEL_SDK_DISABLED=true"
    )


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
            fix = fix and check.state == "ok"  # by a wrong clock, young objects look old
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
        return broken(name, str(error), "see the findings above and run doctor again")


async def _check_database(settings: Settings, stack: AsyncExitStack) -> tuple[JobStore | None, Check]:
    try:
        store = await stack.enter_async_context(open_job_store(settings))
        await store.queue_stats(now=SystemClock().now())
        await store.probe()
    except EditQueueError as error:
        return None, broken("database", str(error), _database_remedy(settings, str(error)))
    return store, _about_schema(f"{shown_database(settings)}: reachable, schema", settings, store.schema)


def _about_schema(there: str, settings: Settings, schema: Schema | None) -> Check:
    if schema is not None and schema.is_older:
        detail = f"{there} at revision {schema.revision}, older than {schema.newest} of this version, which works on it"
        return Check(name="database", state="ok", detail=detail, remedy=f"run {how_to_migrate(settings)}")
    if schema is not None and schema.is_newer:
        newer = f"at revision {schema.revision}, newer than {schema.newest} of this version, which works on it"
        return good("database", f"{there} {newer}")
    return good("database", f"{there} up to date")


def _database_remedy(settings: Settings, said: str) -> str:
    if "there is no database" in said:
        return _NO_DATABASE_HERE if settings.embedded else _NO_DATABASE
    for words, remedy in _DATABASE_REMEDIES.items():
        if words in said:
            return remedy
    if d1_database_id(settings.database_url) is None:
        return "check EDITQUEUE_DATABASE_URL and its server"
    api = settings.cloudflare_base_url
    elsewhere = "" if api is None else f"CLOUDFLARE_BASE_URL={api}, which says where D1 is asked, "
    return f"check {elsewhere}the network, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN and EDITQUEUE_DATABASE_URL"


async def _check_locks(store: JobStore, *, fix: bool) -> Check:
    now = SystemClock().now()
    if fix and (released := await store.reset_stale_locks(now=now)):
        names = examples_of(Finding().plus(released))
        return good("locks", f"{len(released)} locks without a job were reset, to be sent off again: files {names}")
    stats = await store.queue_stats(now=now)
    if found := stats.stale_locks:
        return broken(
            "locks", f"{found} files are in progress without a job in progress", "editqueue doctor --fix resets them"
        )
    if (waiting := stats.files_without_jobs) > 0:
        detail = (
            f"every lock has its job; {waiting} files are queued without one: no original, a lock reset, or by hand"
        )
        return Check(name="locks", state="ok", detail=detail, remedy="their customers send them off again")
    return good("locks", "every lock has its job")


async def _check_consumers(store: JobStore) -> Check:
    waiting = await store.pauses(seen_after=await store.probe() - PAUSE_TOLD_WITHIN)
    if not waiting:
        return good("consumers", "none is paused")
    return broken(
        "consumers", "; ".join(map(_pause_in_words, waiting)), "mend what they wait for; they go on by themselves"
    )


async def _check_alive(store: JobStore) -> Check:
    living = await store.living_consumers()
    if living is None:
        return good("consumers alive", "D1 does not tell")
    names = [f"{consumer.name} (in progress: {len(consumer.jobs)})" for consumer in living]
    return good("consumers alive", ", ".join(names) or "none")


def _pause_in_words(pause: ConsumerPause) -> str:
    since = f"{pause.since:%Y-%m-%dT%H:%M:%SZ}"
    return f"{pause.consumer} is paused since {since}, waiting for {pause.ground}: {pause.reason}"


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
    name = f"clock against the {against}"
    detail = f"this machine's is {abs(seconds):.1f} s {'ahead' if seconds > 0 else 'behind'}"
    if abs(skew) <= TOLERANCE:
        return good(name, detail)
    remedy = f"let NTP keep it and that of the {against}: timedatectl set-ntp true, or chrony (chronyc tracking)"
    return broken(name, detail, remedy)
