"""Lines on a stream that may fail."""

import io
import json

from editqueue.adapters.journal.direct_output import DirectOutput


class Moody(io.StringIO):
    """A stream that takes nothing while it is `away`."""

    away = False

    def write(self, s: str, /) -> int:
        if self.away:
            raise RuntimeError("no console")
        return super().write(s)


def test_a_stream_that_fails_loses_lines_which_are_told_later() -> None:
    stream = Moody()
    output = DirectOutput(stream)
    output.write("first")
    stream.away = True
    output.write("lost")
    output.write("lost")
    stream.away = False
    output.write("last")

    first, gap, last = stream.getvalue().splitlines()
    assert (first, last) == ("first", "last")
    assert json.loads(gap)["count"] == output.dropped == 2


def test_without_a_stderr_everything_is_dropped() -> None:
    output = DirectOutput(None)
    output.write("lost")

    assert output.dropped == 1
