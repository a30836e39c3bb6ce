"""sweep: one cron tick."""

import asyncio
from dataclasses import asdict

from editqueue.entrypoints.commands.confirming import confirm_bucket
from editqueue.entrypoints.commands.console import print_json, stop_on_signals, within_grace
from editqueue.settings import load_settings
from editqueue.use_cases.consumer.sweep import sweep
from editqueue.wiring.database_file import confirm_database_file
from editqueue.wiring.server import open_server


async def run_sweep() -> None:
    settings = load_settings()
    confirm_database_file(settings)
    async with open_server(settings) as server:
        await confirm_bucket(server, working=True)
        stop = asyncio.Event()
        with stop_on_signals(stop):
            async with server.ports.holder.hold():
                report = await within_grace(sweep(server.ports, stopped=stop.is_set), stop)
        print_json(asdict(report))
