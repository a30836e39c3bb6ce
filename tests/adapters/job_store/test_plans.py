"""No statement of the store reads a whole table: `make bench-plans` on a million jobs, here on enough to tell."""

import asyncio
import re
from collections.abc import Sequence

import pytest

from devtools.databases import KINDS, Kind
from devtools.history import Size
from devtools.plans import Plan, plans_on
from editqueue.ports.job_store import JobStore

SIZE = Size(finished=20_000, queued=200, files=20_000)
"""On tables much smaller than this PostgreSQL is right to read them whole."""
FEW = Size(finished=2_000, queued=100, files=2_000)
METHODS = {name for name in dir(JobStore) if not name.startswith("_")} - {"close", "schema"}
WITHOUT_A_PLAN = {"probe"}
"""Begins a transaction on SQLite, and asks nothing in it."""


@pytest.fixture(scope="module", params=KINDS, name="plans")
def _plans(request: pytest.FixtureRequest) -> Sequence[Plan]:
    kind: Kind = request.param
    return asyncio.run(plans_on(kind, SIZE))


def test_no_statement_reads_a_whole_table(plans: Sequence[Plan]) -> None:
    assert [str(plan) for plan in plans if plan.scanned] == []


def test_a_job_that_is_done_at_its_first_attempt_has_no_part_in_the_table_of_attempts(plans: Sequence[Plan]) -> None:
    asked = {plan.method for plan in plans if re.search(r"(?:FROM|INTO|JOIN) attempts\b", plan.statement)}

    assert asked == {
        *("retry_later", "fail", "release", "rescue", "take_over"),
        *("begin_expiry", "job_story", "overview"),
    }


def test_a_finish_on_postgresql_looks_up_its_jobs_while_there_are_few() -> None:
    plans = [plan for plan in asyncio.run(plans_on("postgresql", FEW)) if plan.method == "finish"]
    looks = [line for plan in plans for line in plan.lines if re.search(r"Scan .*on edit_jobs\b", line)]

    assert len(looks) == len(plans) > 0
    assert [line for line in looks if "edit_jobs_pkey" not in line or "Index Cond" not in line] == []


def test_an_overview_looks_at_lanes_in_the_order_of_their_index(plans: Sequence[Plan]) -> None:
    lanes = [plan for plan in plans if plan.method == "overview" and "AS looked_at" in plan.statement]

    assert lanes
    assert [str(plan) for plan in lanes if "jobs_ready" not in str(plan) or re.search(r"Sort|B-TREE", str(plan))] == []


def test_an_overview_looks_for_failures_in_the_order_of_their_index(plans: Sequence[Plan]) -> None:
    failures = [plan for plan in plans if plan.method == "overview" and re.search(r"FROM attempts\b", plan.statement)]

    assert failures
    assert [str(plan) for plan in failures if "attempts_by_end" not in str(plan)] == []


def test_no_page_of_what_may_be_put_back_sorts_all_that_is_left(plans: Sequence[Plan]) -> None:
    pages = [plan for plan in plans if plan.method == "jobs" and "FROM edit_jobs AS other" in plan.statement]

    assert any(re.search(r"edit_jobs\.user_id = ", plan.statement) for plan in pages)
    assert [str(plan) for plan in pages if re.search(r"Sort|B-TREE", str(plan))] == []


def test_every_method_of_the_store_was_asked(plans: Sequence[Plan]) -> None:
    assert METHODS - WITHOUT_A_PLAN <= {plan.method for plan in plans} <= METHODS


def test_a_plan_that_reads_a_whole_table_is_seen() -> None:
    lines = ["Limit", "  Seq Scan on edit_jobs (Filter: x)", "SCAN files", "SCAN files USING INDEX a", "SCAN ids"]
    plan = Plan(method="m", kind="k", statement="SELECT 1", lines=lines)

    assert plan.scanned == lines[1:3]
