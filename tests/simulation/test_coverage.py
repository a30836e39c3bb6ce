"""The report of which faults met which steps."""

from collections import Counter

from tests.simulation import faults
from tests.simulation.coverage import STEPS, never_met, table

KINDS = (*faults.OF_CALLS, *faults.OF_MESSAGES, faults.OUTAGE)


def test_a_step_that_no_fault_met_is_named_and_so_is_a_fault_that_met_no_step() -> None:
    met = {(kind, step) for kind in KINDS for step in STEPS if step != "store.claim_next" and kind != faults.LATE}

    assert never_met(dict.fromkeys(met, 1)) == ["store.claim_next", faults.LATE]


def test_the_table_has_a_line_for_each_step_and_counts_how_often_it_met_what() -> None:
    lines = table(Counter({(faults.LATE, "store.submit"): 12, (faults.LOST, "bucket.copy"): 3})).splitlines()

    assert len(lines) == 2 + len(STEPS)
    assert ["store.submit", "-", "12"] in [line.split() for line in lines]
    assert ["bucket.copy", "3", "-"] in [line.split() for line in lines]
