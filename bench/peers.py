"""Peers from npm: sharp and the AWS SDK, as bench/node/package-lock.json says."""

import shutil
import subprocess
from pathlib import Path

NODE = Path(__file__).parent / "node"


def install_peers() -> None:
    """Once. Ends the bench with a clear line where there is no Node."""
    if shutil.which("npm") is None:
        raise SystemExit("bench: the peers are Node libraries: install Node 20 or newer")
    wanted = NODE / "node_modules" / "@aws-sdk" / "client-s3"
    if not (wanted.exists() and (NODE / "node_modules" / "sharp").exists()):
        subprocess.run(["npm", "ci", "--silent"], cwd=NODE, check=True)
