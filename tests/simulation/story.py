"""What happened, line by line: virtual time, who, which call, what came of it."""

from collections.abc import Iterator

Line = tuple[float, str, str, str]


class Story:
    def __init__(self) -> None:
        self._lines: list[Line] = []

    def tell(self, time: float, who: str, what: str, outcome: str = "") -> None:
        self._lines.append((time, who, what, outcome))

    def __iter__(self) -> Iterator[str]:
        for time, who, what, outcome in self._lines:
            yield f"{time:10.3f}  {who:<14} {what:<38} {outcome}".rstrip()

    def text(self) -> str:
        return "\n".join(self) + "\n"
