"""procrastinate as we measure it: its own connector, one task that does nothing."""

import time

from procrastinate import App, PsycopgConnector

ended: list[float] = []
"""When each job of this process ran."""


def make_app(url: str, *, connections: int = 1) -> App:
    app = App(connector=PsycopgConnector(conninfo=url, min_size=connections, max_size=connections + 2))
    app.task(name="noop")(noop)
    return app


async def noop(number: int) -> None:
    del number
    ended.append(time.time())
