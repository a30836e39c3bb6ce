"""`editqueue` whose demo makes photos of an eighth of their width and height: the same output, ten times as soon."""

from dataclasses import replace

from editqueue.entrypoints import cli
from editqueue.entrypoints.commands import demo
from editqueue.entrypoints.commands.demo_photos import EDITED, WAITING, Room


def small(rooms: tuple[Room, ...]) -> tuple[Room, ...]:
    return tuple(replace(room, width=room.width // 8, height=room.height // 8) for room in rooms)


if __name__ == "__main__":  # its image processes import this file anew
    demo.EDITED = small(EDITED)  # pyright: ignore[reportConstantRedefinition, reportAttributeAccessIssue]  # meant
    demo.WAITING = small(WAITING)  # pyright: ignore[reportConstantRedefinition, reportAttributeAccessIssue]  # meant
    cli.main()
