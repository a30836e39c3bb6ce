"""What `make run-distributed` says in the end."""

import pytest

from devtools.distributed import shared_out

ALL_BY_ONE = (
    "Of 6 attempts at jobs, the demo's own consumer made 6, consumer 1 made 0, consumer 2 made 0 "
    "(consumer 1 and consumer 2 found nothing left: the others were quicker)."
)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((2, 3, 1), "Of 6 attempts at jobs, the demo's own consumer made 2, consumer 1 made 3, consumer 2 made 1."),
        ((6, 0, 0), ALL_BY_ONE),
        ((0, 0, 0), "Of 0 attempts at jobs, the demo's own consumer made 0, consumer 1 made 0, consumer 2 made 0."),
    ],
)
def test_who_did_how_many_jobs_is_said_in_words(counts: tuple[int, int, int], said: str) -> None:
    names = ("the demo's own consumer", "consumer 1", "consumer 2")

    assert shared_out(dict(zip(names, counts, strict=True))) == said
