"""What a tap is told, and when the clock is read."""

from __future__ import annotations

from imu_driver.hub import FROM_HUB, LINE, TO_HUB
from imu_driver.tapped_line import TappedLine
from imu_driver.transport import IsHub


class Wire:
    """A transport that is always the same."""

    foreign, datagrams, description = 3, True, "a wire"

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_open = False

    def open(self, is_hub: IsHub | None = None) -> None:
        self.is_open = True

    def read(self, timeout_s: float) -> bytes:
        return b"came"

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_open = False


def test_the_clock_is_read_by_looks_and_reads_only() -> None:
    wire, times, told = Wire(), iter((1.0, 2.0, 3.0)), []
    line = TappedLine(wire, lambda: next(times), listen_only=False)
    line.tap = lambda what, time_s, data: told.append((what, time_s, data))
    line.look()
    line.open()
    line.tell(LINE, b"opened")
    line.send(b"out")
    assert line.read(0.1) == b"came"
    line.send(b"answer")
    line.close()
    assert told == [(LINE, 1.0, b"opened"), (TO_HUB, 1.0, b"out"), (FROM_HUB, 2.0, b"came"), (TO_HUB, 2.0, b"answer")]
    assert (wire.sent, wire.is_open, line.now_s) == ([b"out", b"answer"], False, 2.0)
    assert (line.description, line.datagrams, line.foreign, line.checked) == ("a wire", True, 3, None)


def test_a_line_that_is_only_listened_to_sends_nothing_and_tells_of_nothing_sent() -> None:
    wire, told = Wire(), []
    line = TappedLine(wire, lambda: 1.0, listen_only=True)
    line.tap = lambda what, time_s, data: told.append(what)
    line.send(b"out")
    assert (wire.sent, told) == ([], [])


def test_the_clock_is_looked_at_again_only_where_the_time_before_is_told() -> None:
    times, told = iter((1.0, 2.0, 3.0)), []
    line = TappedLine(Wire(), lambda: next(times), listen_only=False)
    line.tap = lambda what, time_s, data: told.append(time_s)
    line.look()
    line.look_again()
    assert line.now_s == 1.0
    line.send(b"out")
    line.look_again()
    line.look_again()
    assert line.now_s == 2.0
    line.tap = None
    line.send(b"out")
    line.look_again()
    assert (line.now_s, told) == (3.0, [1.0]), "with and without a tap alike"
