"""Promise 7: whatever happens in whatever order, a file is locked exactly while its job is in progress."""

import pytest

from devtools.databases import Kind
from tests.reliability.held_claim import MUTATIONS, mutation_under_a_claim
from tests.reliability.lock_truth import run_lock_truth
from tests.reliability.size import sized

pytestmark = [pytest.mark.reliability, pytest.mark.timeout(sized(120, 1800))]


EXAMPLES = {"sqlite": sized(8, 200), "postgresql": sized(4, 60)}


def test_the_lock_tells_the_truth_at_every_step(kind: Kind) -> None:
    run_lock_truth(kind, examples=EXAMPLES[kind], steps=sized(20, 50))


@pytest.mark.parametrize("what", MUTATIONS)
async def test_a_mutation_that_meets_a_claim_before_its_commit_is_refused(database_url: str, what: str) -> None:
    assert await mutation_under_a_claim(database_url, what) == []
