"""Where things lie: the checkout, and what this command keeps beside the Worker without committing it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.cloudflare.rollout.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Project:
    root: Path
    """The checkout."""
    name: str
    """Of the Worker. What is kept is kept for each name."""

    @property
    def folder(self) -> Path:
        return self.root / "deploy" / "cloudflare"

    @property
    def template(self) -> Path:
        return self.folder / "wrangler.jsonc"

    @property
    def config(self) -> Path:
        """The configuration that is deployed; wrangler looks for the Worker's files beside it."""
        return self.folder / f"wrangler.{self.name}.json"

    @property
    def kept(self) -> Path:
        return self.folder / ".deployments" / self.name

    @property
    def tools(self) -> Path:
        """Where wrangler is installed, at the version of the lock file there."""
        return self.root / "devtools" / "cloudflare"


def read_template(path: Path) -> dict[str, Any]:
    """JSON whose comments begin with `// `, as those of wrangler.jsonc do. Raises Problem for anything else."""
    lines = path.read_text(encoding="utf-8").splitlines()
    try:
        return json.loads("\n".join(line.partition("// ")[0] for line in lines))
    except ValueError as error:
        raise Problem(
            f"{path} cannot be read ({error}): JSON, but for comments that begin with `// `, and no comma at an end"
        ) from error


def as_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
