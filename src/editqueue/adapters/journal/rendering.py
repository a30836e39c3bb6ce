"""What happened, as one line of JSON in ASCII. Whatever the facts hold, a line comes of it: nothing here raises."""

import json
from datetime import UTC, datetime
from typing import Any

import structlog

_structlog: Any = structlog.wrap_logger(
    structlog.ReturnLogger(),
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ],
).bind()
"""Bound once: an unbound logger of structlog's puts itself together anew for each line."""


def info(event: str, **facts: object) -> str:
    return rendered("info", event, facts)


def warning(event: str, **facts: object) -> str:
    return rendered("warning", event, facts)


def error(event: str, **facts: object) -> str:
    return rendered("error", event, facts)


def rendered(level: str, event: str, facts: dict[str, object]) -> str:
    """`level` is one of Python's: debug, info, warning, error, critical."""
    try:
        line: str = getattr(_structlog, level)(event, **facts)
        return line if "\\ud" not in line else _without_half_characters(line)
    except Exception:  # noqa: BLE001  # an object may raise anything when it is asked for its text
        shown = {name: shown_value(value) for name, value in facts.items()}
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        return json.dumps(shown | {"event": event, "level": level, "timestamp": now})


def shown_value(value: object) -> str:
    """The text of a value, or its type when it has none."""
    try:
        return str(value).encode(errors="replace").decode()
    except Exception:  # noqa: BLE001  # as above
        return f"<{type(value).__name__} that cannot be shown>"


def _without_half_characters(line: str) -> str:
    """With a question mark for each half of a surrogate pair that stands alone: most readers of JSON refuse those."""
    return json.dumps(json.loads(json.dumps(json.loads(line), ensure_ascii=False).encode(errors="replace")))
