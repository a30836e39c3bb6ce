"""The label values that metrics begin with are those that the program has."""

import re
from pathlib import Path

from editqueue.adapters.journal.known_labels import ERROR_CODES, FAILURE_CODES, GROUNDS, RESULTS, TRANSITIONS, WARNINGS
from editqueue.domain import errors
from editqueue.domain.jobs import JobStatus
from editqueue.use_cases.consumer.verdict import Done, Failed, HandedBack, Lost, Retry

SOURCES = Path(__file__).parents[3] / "src" / "editqueue"
ELSEWHERE = {"consumer_paused", "log_lines_dropped", "request_cut_off"}
"""Warnings with a metric of their own, and those of the Worker, which has no metrics."""


def found(pattern: str) -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")]
    return {one for text in texts for one in re.findall(pattern, text)}


def test_every_warning_of_a_server_begins_at_zero() -> None:
    assert {*WARNINGS} == found(r"\.warning\(\s*\"(\w+)\"") - ELSEWHERE


def test_every_status_begins_at_zero_for_each_cause_by_which_it_is_entered() -> None:
    made = found(r"before=None, cause=\"([a-z_ ]+)\"")
    ended_while_queued = found(r"before=JobStatus\.QUEUED, cause=\"([a-z_ ]+)\"") - {"claim"}
    taken_back = found(r"tell_of_requeued\(.*cause=\"([a-z_ ]+)\"")
    ends = {(end.status.value, end.cause) for end in (Done, Failed, Retry, HandedBack)}

    assert {*TRANSITIONS} == {
        ("in_progress", "claim"),
        *(("queued", cause) for cause in made | taken_back),
        *(("failed", cause) for cause in ended_while_queued | taken_back),  # taken_back: out of attempts
        *ends,
    }
    assert len({*TRANSITIONS}) == len(TRANSITIONS)
    assert made | ended_while_queued | taken_back | {"claim"} == found(r"cause=\"([a-z_ ]+)\"")
    assert {status for status, _ in TRANSITIONS} == {*JobStatus}


def test_every_result_of_an_attempt_begins_at_zero() -> None:
    assert {*RESULTS} == {end.result for end in (Done, Failed, Retry, HandedBack, Lost)}


def test_every_code_that_can_stand_in_the_error_log_begins_at_zero() -> None:
    others = (errors.ClaimLost, errors.GroundLost, errors.ObjectMissing)
    codes = {error.code for error in (*below(errors.ProcessingError), *others)}

    assert {*ERROR_CODES} == codes | {"deadline_exceeded", "internal_error", "queue_refused"}
    assert {*FAILURE_CODES} <= {*ERROR_CODES}


def below(root: type[errors.EditQueueError]) -> set[type[errors.EditQueueError]]:
    return {root, *(error for child in root.__subclasses__() for error in below(child))}


def test_every_ground_begins_at_zero() -> None:
    assert found(r"GroundLost\(\"(\w+)\"") <= {*GROUNDS}
    assert found(r"paused\(\"(\w+)\"") <= {*GROUNDS}
