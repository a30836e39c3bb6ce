"""Whether and where traces are sent. What sends them is imported only then: it takes half a second."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from editqueue.domain.errors import SetupError
from editqueue.ports.journal import Journal
from editqueue.settings import Settings

if TYPE_CHECKING:
    from editqueue.adapters.journal.tracing import Tracing

_MISSING = (
    "{name} asks for traces, and what sends them is not installed: pip install 'editqueue[otel]', or set "
    "OTEL_SDK_DISABLED=true"
)


@contextmanager
def open_traces(settings: Settings, journal: Journal) -> Generator["Tracing | None"]:
    """None unless the settings ask for traces. Raises SetupError where they cannot be sent."""
    if settings.traces_endpoint is None:
        yield None
        return
    make = _import_tracing(settings)
    try:
        tracing = make(journal)
    except ValueError as error:
        raise _unusable(error) from error
    try:
        yield tracing
    finally:
        tracing.close()


def _import_tracing(settings: Settings) -> "type[Tracing]":
    try:
        from editqueue.adapters.journal.tracing import Tracing  # noqa: PLC0415  # as the first line says
    except ModuleNotFoundError as error:
        raise SetupError(_MISSING.format(name=settings.traces_asked_for_by)) from error
    except ValueError as error:
        raise _unusable(error) from error
    return Tracing


async def look_at_traces(settings: Settings) -> str | None:
    """What is wrong with the way to the collector, if the settings ask for traces. Raises SetupError as above."""
    if settings.traces_endpoint is None:
        return None
    return await asyncio.to_thread(_import_tracing(settings).look_at_collector)


def _unusable(error: ValueError) -> SetupError:
    return SetupError(f"OTEL_*: OpenTelemetry cannot work by these variables: {error}")


def shown_endpoint(url: str) -> str:
    """Without user, password, and a query, in which some collectors want a key."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
