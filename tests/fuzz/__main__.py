"""`make fuzz`: EDITQUEUE_FUZZ_FILES files (10,000), by EDITQUEUE_FUZZ_SEED (1). Prints a report; fails on a defect."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.fuzz.campaign import run_campaign, tell
from tests.fuzz.seeds import make_seeds

FILES = int(os.environ.get("EDITQUEUE_FUZZ_FILES", "10000"))
SEED = int(os.environ.get("EDITQUEUE_FUZZ_SEED", "1"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        findings = asyncio.run(run_campaign(Path(folder), make_seeds(), count=FILES, seed=SEED, told=tell))
    print(findings.report())  # the report is what this is for
    sys.exit(bool(findings.defects))


main()
