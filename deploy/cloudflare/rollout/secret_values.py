"""The Worker's secrets: from the environment, or made once and kept in a file of the owner's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from deploy.cloudflare.rollout.private_files import write_private
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.project import as_json

JWT_SECRET = "JWT_SECRET"  # noqa: S105  # a name
R2_KEYS = ("R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
NAMES = (JWT_SECRET, *R2_KEYS)
SHORTEST = 32
"""Bytes of JWT_SECRET; the Worker refuses a shorter one."""


class Kept(TypedDict):
    value: str
    uploaded: bool


@dataclass
class SecretValues:
    path: Path
    kept: dict[str, Kept] = field(default_factory=dict[str, Kept])

    @classmethod
    def load(cls, path: Path, environment: Mapping[str, str]) -> "SecretValues":
        """What is kept, and over it what the environment gives. Writes nothing. Raises Problem."""
        try:
            read: dict[str, Kept] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            kept = {name: Kept(value=one["value"], uploaded=one["uploaded"]) for name, one in read.items()}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Problem(f"{path} cannot be read ({error}): restore it, or delete it to set new secrets") from error
        loaded = cls(path, kept)
        for name, value in _given(environment).items():
            if loaded.value(name) != value:
                loaded.kept[name] = {"value": value, "uploaded": False}
        return loaded

    def value(self, name: str) -> str | None:
        return self.kept[name]["value"] if name in self.kept else None

    def keep(self, values: Mapping[str, str]) -> None:
        """Before they are used, so that a cut off run finds them again."""
        self.kept |= {name: {"value": value, "uploaded": False} for name, value in values.items()}
        self._save()

    def keep_uploaded(self) -> None:
        for kept in self.kept.values():
            kept["uploaded"] = True
        self._save()

    def waiting(self) -> list[str]:
        """Names whose value the Worker has not got yet."""
        return [name for name, kept in self.kept.items() if not kept["uploaded"]]

    def as_file(self) -> str:
        return as_json({name: kept["value"] for name, kept in self.kept.items()})

    def _save(self) -> None:
        write_private(self.path, as_json(self.kept))


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    given = {name: environment[name] for name in NAMES if environment.get(name)}
    secret = given.get(JWT_SECRET)
    if secret is not None and len(secret.encode()) < SHORTEST:
        raise Problem(f"JWT_SECRET has {len(secret.encode())} bytes, {SHORTEST} are the least: openssl rand -hex 32")
    if len(given.keys() & set(R2_KEYS)) == 1:
        raise Problem(f"{' and '.join(R2_KEYS)} belong together: give both, or none and they are made")
    return given
