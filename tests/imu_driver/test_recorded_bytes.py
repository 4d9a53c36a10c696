"""Recordings of bytes: what is written is read back, and damage is told instead of guessed around."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imu_driver.recorded_bytes import MAGIC, RecordedBytesTransport, RecordingTransport, write_piece
from imu_driver.transport import EndedError, IsHub, LostError, NotFoundError, TransportError

Pieces = list[tuple[float, bytes]]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Pieces], Path]:
    def write(pieces: Pieces) -> Path:
        path = tmp_path / "take.bytes"
        with path.open("wb") as file:
            file.write(MAGIC)
            for arrival_s, data in pieces:
                write_piece(file, arrival_s, data)
        return path

    return write


def read(transport: RecordedBytesTransport) -> Pieces:
    pieces: Pieces = []
    transport.open()
    while True:
        try:
            data = transport.read(0.02)
        except EndedError:
            return pieces
        pieces.append((transport.clock(), data))


times = st.lists(st.floats(0.0, 1e9), max_size=8).map(sorted)


@given(times, st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read(written: Callable[[Pieces], Path], at: list[float], data: st.DataObject) -> None:
    pieces = [(arrival_s, data.draw(st.binary(max_size=300))) for arrival_s in at]
    transport = RecordedBytesTransport(written(pieces))
    assert read(transport) == pieces
    assert read(transport) == pieces, "it can be opened again"
    transport.write(b"nobody hears this")
    transport.close()
    transport.close()
    with pytest.raises(LostError, match="not open"):
        transport.read(0.0)


@given(st.integers(0, 70), st.binary(max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damage_ends_it(written: Callable[[Pieces], Path], keep: int, tail: bytes) -> None:
    pieces = [(1.0, b"a" * 20), (2.0, b"b" * 20)]
    path = written(pieces)
    path.write_bytes(path.read_bytes()[: len(MAGIC) + keep] + tail)
    found = read(RecordedBytesTransport(path))
    assert [arrival_s for arrival_s, _ in found] == sorted(arrival_s for arrival_s, _ in found)
    if not tail:
        assert found == pieces[: keep // 32]


def test_damage_is_told_from_an_end(written: Callable[[Pieces], Path]) -> None:
    path = written([(1.0, b"abc"), (2.0, b"def")])
    path.write_bytes(path.read_bytes()[:-1])
    transport = RecordedBytesTransport(path)
    transport.open()
    assert transport.read(0.0) == b"abc"
    with pytest.raises(EndedError, match=r"cut short or damaged after 1\.000 s"):
        transport.read(0.0)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="cannot be read"):
        RecordedBytesTransport(tmp_path / "none")
    (tmp_path / "other").write_bytes(b"\x04\x01\x02hub")
    with pytest.raises(TransportError, match="expected a file that begins with"):
        RecordedBytesTransport(tmp_path / "other")


@pytest.mark.parametrize("arrival_s", [float("inf"), float("nan"), 0.5])
def test_an_impossible_arrival_is_damage(written: Callable[[Pieces], Path], arrival_s: float) -> None:
    transport = RecordedBytesTransport(written([(1.0, b"a"), (arrival_s, b"b")]))
    transport.open()
    assert transport.read(0.0) == b"a"
    with pytest.raises(EndedError, match="damaged"):
        transport.read(0.0)


class _Line:
    """A line that gives what it is told to, in the pieces it is told to; None is a read that finds nothing."""

    foreign, datagrams, description = 0, False, "line"

    def __init__(self, pieces: list[bytes | None]) -> None:
        self._pieces = pieces

    def open(self, is_hub: IsHub | None = None) -> None:
        pass

    def close(self) -> None:
        pass

    def read(self, timeout_s: float) -> bytes:
        return self._pieces.pop(0) or b""

    def write(self, data: bytes) -> None:
        pass


frames = st.lists(st.binary(min_size=1, max_size=12).map(lambda data: data.replace(b"\0", b"\1") + b"\0"), max_size=6)


@given(frames, st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_sent_stands_between_frames_however_they_are_read(
    tmp_path: Path, sent: list[bytes], data: st.DataObject
) -> None:
    line = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=6)))
    pieces = [line[a:b] for a, b in zip([0, *cuts], [*cuts, len(line)], strict=True)]
    now_s = iter(range(1000))
    recorder = RecordingTransport(_Line(list(pieces)), tmp_path / "take.bytes", lambda: float(next(now_s)))
    recorder.open()
    for _ in pieces:
        recorder.write(b"ping\0")
        recorder.read(0.0)
    recorder.close_file()
    found = read(RecordedBytesTransport(tmp_path / "take.bytes"))
    assert [frame for _, piece in found for frame in piece.split(b"\0") if frame == b"ping"] == [b"ping"] * len(pieces)
    assert b"".join(piece for _, piece in found if piece != b"ping\0") == line
    assert all(piece.endswith(b"\0") or not piece for _, piece in found)


def test_a_read_that_finds_nothing_is_recorded(tmp_path: Path) -> None:
    now_s = iter((1.0, 2.0, 3.0))
    recorder = RecordingTransport(_Line([b"a\0", None, b"b\0"]), tmp_path / "take.bytes", lambda: next(now_s))
    recorder.open()
    for _ in range(3):
        recorder.read(0.0)
    recorder.close_file()
    assert read(RecordedBytesTransport(tmp_path / "take.bytes")) == [(1.0, b"a\0"), (2.0, b""), (3.0, b"b\0")]


def test_half_a_frame_of_a_connection_that_was_lost_spoils_no_other(tmp_path: Path) -> None:
    now_s = iter(range(100))
    recorder = RecordingTransport(_Line([b"hal", b"whole\0"]), tmp_path / "take.bytes", lambda: float(next(now_s)))
    for _ in range(2):
        recorder.open()
        recorder.read(0.0)
        recorder.close()
    recorder.close_file()
    found = b"".join(piece for _, piece in read(RecordedBytesTransport(tmp_path / "take.bytes")))
    assert found.split(b"\0") == [b"hal", b"whole", b""]


def test_a_full_disk_ends_the_recording_and_not_the_connection(written: Callable[[Pieces], Path]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    piece = b"x" * 100_000  # more than is kept in memory before it is written
    live = RecordedBytesTransport(written([(1.0, piece), (2.0, piece), (3.0, b"last")]))
    recorder = RecordingTransport(live, full)
    recorder.open()
    assert [recorder.read(0.0) for _ in range(3)] == [piece, piece, b"last"]
    assert "No space left" in recorder.problem
    recorder.close_file()
    recorder.close_file()
