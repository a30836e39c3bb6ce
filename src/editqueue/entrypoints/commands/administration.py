"""migrate, order create and status: what needs the database alone, and imports nothing else."""

from dataclasses import asdict

from editqueue.entrypoints.commands.console import print_facts, print_json, print_line
from editqueue.settings import load_settings
from editqueue.use_cases.operator.create_order import create_order
from editqueue.wiring.data_dir import prepared_data_dir
from editqueue.wiring.database_clock import clock_of
from editqueue.wiring.job_store import migrate, open_job_store
from editqueue.wiring.system_clock import SystemClock


async def run_migrate() -> None:
    settings = load_settings()
    if settings.embedded:
        prepared_data_dir(settings)
    print_line(f"the schema is at revision {await migrate(settings)}")


async def run_order_create(user_id: str, title: str) -> None:
    async with open_job_store(load_settings(), makes=True) as store:
        order = await create_order(user_id=user_id, title=title, store=store, clock=await clock_of(store.probe))
        print_json({"order_id": order.id})


async def run_status(*, as_json: bool) -> None:
    async with open_job_store(load_settings()) as store:
        now = SystemClock().now()
        queue_stats = await store.queue_stats(now=now)
        oldest = queue_stats.oldest_eligible
        age = None if oldest is None else round((now - oldest).total_seconds(), 3)
        consumers = await store.living_consumers()
        if as_json:
            facts = {"oldest_eligible_seconds": age, "stale_locks": queue_stats.stale_locks}
            living = None if consumers is None else [asdict(consumer) for consumer in consumers]
            schema = None if store.schema is None else asdict(store.schema)
            counts = {"jobs": queue_stats.jobs, "files": queue_stats.files}
            print_json(counts | facts | {"consumers": living, "schema": schema})
            return
        print_facts({f"jobs {name}": count for name, count in queue_stats.jobs.items()})
        print_facts({f"files {name}": count for name, count in queue_stats.files.items()})
        print_facts({"oldest eligible job waits (s)": age, "stale locks": queue_stats.stale_locks})
        print_facts({"consumers alive": None if consumers is None else len(consumers)})
        for consumer in consumers or ():
            print_line(f"consumer {consumer.name}  {' '.join(consumer.jobs) or 'waits'}")
        if store.schema is not None and store.schema.revision != store.schema.newest:
            print_facts({"schema revision": f"{store.schema.revision}, this version's is {store.schema.newest}"})
