"""What is said of a wrong setting: its name, the value it has, what would be right, an example."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from editqueue.domain.errors import SetupError
from editqueue.setting_patterns import name_of
from editqueue.settings.model import Settings


def by_name(settings: type[Settings]) -> Mapping[str, FieldInfo]:
    """The fields of settings by their names in the environment."""
    return {name_of(field): info for field, info in settings.model_fields.items()}


FIELDS: Final = by_name(Settings)
PREFIX: Final = "EDITQUEUE_"
_NOT_SETTINGS: Final = re.compile(r"EDITQUEUE_(?:TEST|BENCH|FUZZ)_")
"""What the tests, the benches and the fuzzing of this project are told."""
_SERVICE_LINK: Final = re.compile(
    r"EDITQUEUE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)"
)
"""What Kubernetes tells every pod of a Service called `editqueue` or `editqueue-something`."""
_LONGEST: Final = 80
"""Characters of a wrong value that are shown."""


class WrongSettings(SetupError):
    """All that is wrong with the settings, in `problems`; as text one line."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        if len(problems) == 1:
            super().__init__(problems[0])
        else:
            numbered = "; ".join(f"({number}) {problem}" for number, problem in enumerate(problems, 1))
            super().__init__(f"{len(problems)} settings are wrong: {numbered}")


def example(name: str) -> str:
    """The end of a message; empty where an example would say nothing."""
    field = FIELDS[name]
    shown = field.examples[0] if field.examples else field.default
    return "" if shown is None else f", for example {name}={shown}"


def given(name: str, value: object) -> str:
    """A setting with its value, as a message begins: no secret, no password, nothing long or unprintable."""
    if not FIELDS[name].repr:
        return name
    text = re.sub(r".*@", "***@", str(value), flags=re.DOTALL)  # a password may hold anything but this
    text = re.sub(r"(?i)(password=)[^&\s]*", r"\1***", text)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"{name}={text if text.isprintable() else ascii(text)}"


def wrong_values(error: ValidationError, fields: Mapping[str, FieldInfo] = FIELDS) -> Mapping[str, str]:
    """What is wrong, by the name of the setting."""
    named = {str(wrong["loc"][0]): wrong for wrong in error.errors()}
    return {name: _in_words(name, wrong, fields[name]) for name, wrong in named.items()}


def _in_words(name: str, wrong: ErrorDetails, field: FieldInfo) -> str:
    cause = wrong.get("ctx", {}).get("error")
    said = str(cause) if isinstance(cause, ValueError) else f"must be {kind_of(field)}"
    return f"{given(name, wrong['input'])}: {said}{example(name)}"


def kind_of(field: FieldInfo) -> str:
    """What values a setting takes, in words."""
    if field.title is not None:
        return field.title
    kinds = [kind for kind in (get_args(field.annotation) or (field.annotation,)) if kind is not type(None)]
    choices = [
        choice for kind in [field.annotation, *kinds] if get_origin(kind) is Literal for choice in get_args(kind)
    ]
    if choices:
        return f"one of {', '.join(dict.fromkeys(choices))}"
    if bool in kinds:
        return "true or false"
    if int in kinds or float in kinds:
        return f"a {'whole ' if int in kinds else ''}number{_range_of(field)}"
    return "text" if str in kinds else "a folder"


def _range_of(field: FieldInfo) -> str:
    """The limits of a number, as the end of a sentence."""
    limits = {name: getattr(one, name) for one in field.metadata for name in ("ge", "gt", "le") if hasattr(one, name)}
    lowest = f" from {limits['ge']}" if "ge" in limits else f" above {limits['gt']}" if "gt" in limits else ""
    if "le" not in limits:
        return lowest.replace(" from ", " of at least ")
    return f"{lowest} to {limits['le']}" if "ge" in limits else f"{lowest}, at most {limits['le']}"


def unknown_names(environment: Mapping[str, str | None]) -> Sequence[str]:
    """What is wrong with the names in `environment` that look like settings of ours and are none."""
    named = {name.upper(): value or "" for name, value in environment.items()}
    return [
        _unknown(name)
        for name, value in sorted(named.items())
        if name.startswith(PREFIX) and name not in FIELDS and not _is_meant_for_others(name, value)
    ]


def _is_meant_for_others(name: str, value: str) -> bool:
    if name == f"{PREFIX}PORT":  # Kubernetes', unless a person meant the port of `serve`
        return "://" in value
    return _NOT_SETTINGS.match(name) is not None or _SERVICE_LINK.fullmatch(name) is not None


def _unknown(name: str) -> str:
    others = {known.removeprefix(PREFIX): known for known in FIELDS}
    likely = get_close_matches(name.removeprefix(PREFIX), others, n=1, cutoff=0.7)
    meant = f"did you mean {others[likely[0]]}?" if likely else "unset it; docs/settings.md has all there are"
    return f"{name} is no setting: {meant}"
