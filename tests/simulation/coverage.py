"""Which faults met which steps, and which step none has met."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tests.simulation import faults

STEPS: Final = (
    *(
        "store." + name
        for name in (
            "order",
            "record_upload",
            "upload",
            "add_file",
            "file_of_key",
            "files",
            "list_files",
            "count_files",
            "mark_files",
            "rename_files",
            "delete_files",
            "approve_file",
            "submit",
            "revise",
            "retry_job",
            "jobs",
            "job",
            "claim_next",
            "finish",
            "fail",
            "retry_later",
            "release",
            "rescue",
            "take_over",
            "gone_holders",
            "begin_expiry",
            "settle_expiry",
            "reset_stale_locks",
            "record_pause",
            "end_pause",
            "probe",
        )
    ),
    *("bucket." + name for name in ("head", "write", "copy", "delete", "now", "remove_leftovers")),
    *("queue." + name for name in ("send", "pull", "settle")),
    *("images." + name for name in ("make_preview", "probe")),
    "holder.next_look",
)
"""Every call by which the programs of the world see anything."""
ENOUGH: Final = 10_000
"""Seeds after which every step must have met some fault."""


def never_met(met: Mapping[tuple[str, str], int]) -> list[str]:
    """The steps that no fault met, and the faults that met no step."""
    steps, kinds = {step for _, step in met}, {kind for kind, _ in met}
    everything = (*faults.OF_CALLS, *faults.OF_MESSAGES, faults.OUTAGE)
    return [step for step in STEPS if step not in steps] + [kind for kind in everything if kind not in kinds]


def table(met: Counter[tuple[str, str]]) -> str:
    """Steps down, faults across."""
    kinds = [kind for kind in (*faults.OF_CALLS, *faults.OF_MESSAGES, faults.OUTAGE) if any(k == kind for k, _ in met)]
    width = max(len(step) for step in STEPS)
    lines = ["".join((" " * width, *(f"{kind.rpartition(' ')[2] if ' ' in kind else kind:>10.9}" for kind in kinds)))]
    heads = "".join((" " * width, *(f"{kind.rpartition(' ')[0]:>10.9}" for kind in kinds)))
    rows = [f"{step:<{width}}" + "".join(f"{met[kind, step] or '-':>10}" for kind in kinds) for step in STEPS]
    return "\n".join([heads, *lines, *rows])
