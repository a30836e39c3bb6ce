"""Options and arguments that several commands have."""

import re
from datetime import timedelta
from typing import Annotated, Final

import typer

_DURATION: Final = re.compile(r"(0*[1-9]\d{0,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST: Final = timedelta(days=3_650)


def utf8(value: str | None) -> str | None:
    """Refuses bytes of the shell that are no UTF-8: Python hands them on as halves of surrogate pairs, which neither
    a database nor JSON takes."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise typer.BadParameter("this is not UTF-8; give it as UTF-8 text, or leave the odd letters out") from error
    return value


def duration(value: str) -> timedelta:
    """`90s`, `15m`, `2h` or `7d`."""
    found = _DURATION.fullmatch(value.strip())
    if found is None or (long := timedelta(**{_UNITS[found[2]]: int(found[1])})) > LONGEST:
        raise typer.BadParameter(f"{value!r} is no duration; give 90s, 15m, 2h or 7d")
    return long


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
UserId = Annotated[str, typer.Option("--user-id", help="The customer.", callback=utf8)]
Text = Annotated[str, typer.Option(callback=utf8)]
JobId = Annotated[str, typer.Argument(callback=utf8)]
Seconds = Annotated[int, typer.Option(min=1, max=315_360_000, help="Seconds, up to ten years.")]
Port = Annotated[int, typer.Option(min=0, max=65535)]
Since = Annotated[
    timedelta | None,
    typer.Option("--since", parser=duration, metavar="2h", help="Submitted in the last 2 h; failed ones: failed then."),
]
OlderThan = Annotated[
    timedelta | None,
    typer.Option(
        "--older-than", parser=duration, metavar="2h", help="Submitted more than 2 h ago; failed ones: failed then."
    ),
]
OfUser = Annotated[str | None, typer.Option("--user", "--user-id", callback=utf8, help="Of this customer.")]
OfOrder = Annotated[str | None, typer.Option("--order", "--order-id", callback=utf8, help="Of this order.")]
