"""One line of doctor's report."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    name: str
    state: Literal["ok", "missing", "broken"]
    """`missing` is what the system can do without, and says with what loss."""
    detail: str
    remedy: str = ""

    def document(self) -> dict[str, object]:
        """For --json."""
        return {
            "name": self.name,
            "ok": self.state == "ok",
            "state": self.state,
            "detail": self.detail,
            "remedy": self.remedy,
        }


def good(name: str, detail: str) -> Check:
    return Check(name=name, state="ok", detail=detail)


def broken(name: str, detail: str, remedy: str) -> Check:
    return Check(name=name, state="broken", detail=detail, remedy=remedy)
