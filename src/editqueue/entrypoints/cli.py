"""`editqueue`: the command line. Every failure is one line on stderr and a non-zero exit code.

A command imports what it needs when it is called: all of it takes seconds on a slow machine.
"""

import asyncio
import sys
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from editqueue.domain.errors import EditQueueError
from editqueue.entrypoints.cli_jobs import jobs
from editqueue.entrypoints.cli_options import Json, Port, Seconds, Text, UserId

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The edit queue of pix.immo."
)
orders = typer.Typer(no_args_is_help=True, help="Orders.")
app.add_typer(orders, name="order")
app.add_typer(jobs, name="jobs")


def _print_version(asked: bool) -> None:  # noqa: FBT001  # typer calls it so
    if asked:
        typer.echo(f"editqueue {metadata.version('editqueue')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
]


@app.callback()
def options(version: Version = False) -> None:  # noqa: FBT002  # its callback has answered it
    """The edit queue of pix.immo."""


@app.command()
def serve(
    host: Text = "127.0.0.1",
    port: Port = 8787,
    no_consumer: Annotated[bool, typer.Option("--no-consumer", help="API only.")] = False,  # noqa: FBT002
) -> None:
    """API, review page and (unless told not to) one consumer."""
    from editqueue.entrypoints.commands import serving

    asyncio.run(serving.serve(host=host, port=port, with_consumer=not no_consumer))


@app.command()
def consume(
    drain: Annotated[bool, typer.Option("--drain", help="End when nothing is left to do.")] = False,  # noqa: FBT002
) -> None:
    """A consumer only."""
    from editqueue.entrypoints.commands import consuming

    asyncio.run(consuming.consume(drain=drain))


@app.command()
def sweep() -> None:
    """One cron tick: requeue stale jobs, process up to 10, expire old objects."""
    from editqueue.entrypoints.commands import sweeping

    asyncio.run(sweeping.run_sweep())


@app.command()
def migrate() -> None:
    """Bring the database schema up to date."""
    from editqueue.entrypoints.commands import administration

    asyncio.run(administration.run_migrate())


@orders.command("create")
def order_create(user_id: UserId, title: Text = "") -> None:
    """Open an order; prints {"order_id": ...}."""
    from editqueue.entrypoints.commands import administration

    asyncio.run(administration.run_order_create(user_id, title))


@app.command()
def token(user_id: UserId, ttl: Seconds = 3600) -> None:
    """Print a JWT for a customer."""
    from editqueue.entrypoints.commands import tokens

    tokens.run_token(user_id, ttl)


@app.command()
def status(as_json: Json = False) -> None:  # noqa: FBT002
    """Jobs and files per status, age of the oldest eligible job, stale locks."""
    from editqueue.entrypoints.commands import administration

    asyncio.run(administration.run_status(as_json=as_json))


@app.command()
def top(
    once: Annotated[bool, typer.Option("--once", help="Look once, print it and end.")] = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
    every: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between two looks.")] = 2.0,
) -> None:
    """Live: throughput, waiting time, consumers and what they do, failures, what is paused and why."""
    from editqueue.entrypoints.commands import top as live

    asyncio.run(live.run_top(once=once, as_json=as_json, every=every))


@app.command("doctor")
def check_up(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend.")] = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Check settings, database, bucket, queue and image tools, each with a remedy."""
    from editqueue.entrypoints.commands import doctor

    asyncio.run(doctor.run_doctor(fix=fix, as_json=as_json))


@app.command()
def preview(
    source: Path,
    target: Path,
    force: Annotated[bool, typer.Option("--force", help="Over a file that is there already.")] = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """One preview from a local file, by the same code as the consumer's."""
    from editqueue.entrypoints.commands import previewing

    asyncio.run(previewing.run_preview(source, target, force=force, as_json=as_json))


@app.command("demo")
def run_demo(
    folder: Annotated[Path | None, typer.Argument(help="Photos to take instead of generated ones.")] = None,
    port: Port = 8787,
    exit_at_end: Annotated[bool, typer.Option("--exit", help="End when all is done.")] = False,  # noqa: FBT002
    no_links: Annotated[bool, typer.Option("--no-links", hidden=True)] = False,  # noqa: FBT002
) -> None:
    """A sample order through the real HTTP API; then keeps serving until Ctrl-C."""
    from editqueue.entrypoints.commands import demo

    asyncio.run(demo.run_demo(folder, port=port, exit_at_end=exit_at_end, links=not no_links))


def main() -> None:
    """The console script."""
    try:
        code = app(standalone_mode=False)
    except KeyboardInterrupt:
        code = 130
    except Exception as error:  # noqa: BLE001  # the promise is one line, whatever happened
        line = _one_line(error)
        if line:  # no arguments at all is answered by the help alone
            sys.stderr.write(f"editqueue: {line}\n")
        code = getattr(error, "exit_code", 1)
    sys.exit(code)


def _one_line(error: Exception) -> str:
    usage: Callable[[], str] | None = getattr(error, "format_message", None)
    if usage is not None:
        line = " ".join(usage().split())
        return f"{line} (editqueue --help shows the commands)" if line else ""
    if isinstance(error, (EditQueueError, OSError)):
        return " ".join(str(error).split())
    where = traceback.extract_tb(error.__traceback__)[-1]
    if Path(where.filename).match("opentelemetry/propagate/__init__.py"):  # FastAPI imports it, traces or not
        return f"OTEL_PROPAGATORS: {error} Install it, or name others: OTEL_PROPAGATORS=tracecontext,baggage"
    at = f"{Path(where.filename).name}:{where.lineno}"
    return " ".join(f"unexpected {type(error).__name__} at {at}: {error}; please report it".split())


if __name__ == "__main__":
    main()
