"""Journals on stderr, or on a log of one's own."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from editqueue.adapters.journal.background_output import BackgroundOutput
from editqueue.adapters.journal.direct_output import DirectOutput
from editqueue.adapters.journal.json_lines import JsonLines
from editqueue.adapters.journal.metered import MeteredJournal
from editqueue.adapters.journal.metrics import Metrics
from editqueue.adapters.journal.output import Output
from editqueue.adapters.journal.python_messages import take_over_messages


@contextmanager
def open_journal() -> Generator[JsonLines]:
    """One for a command that ends soon, whose counters nobody asks for."""
    journal = JsonLines(_output_to(sys.stderr))
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def open_metered_journal(
    metrics: Metrics, *, log: TextIO | None = None, for_good: bool = False
) -> Generator[MeteredJournal]:
    """`for_good` as `open_server` has it. What is said after the end is written, too: see `BackgroundOutput.close`."""
    journal = MeteredJournal(metrics, _output_to(log or sys.stderr))
    if for_good:
        take_over_messages(journal)
    try:
        yield journal
    finally:
        journal.close()


def _output_to(stream: TextIO | None) -> Output:
    """A stream in memory has no descriptor that a thread could write to."""
    try:
        return BackgroundOutput(stream.fileno()) if stream is not None else DirectOutput(None)
    except OSError:  # io.UnsupportedOperation
        return DirectOutput(stream)
