"""What every kind of hub promises the driver, whatever it speaks.

A new kind joins by a line in `PEERS`: how to make its counterpart, a line on a virtual clock with a hub at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState, Hub
from imu_driver.hubs import HUBS, make_hub
from imu_driver.recorded_bytes import MAGIC, RecordedBytesTransport, RecordingTransport, write_piece
from imu_driver.transport import Transport

if TYPE_CHECKING:
    from conftest import Peer

CONNECTED, DISCONNECTED, ENDED = ConnectionState.CONNECTED, ConnectionState.DISCONNECTED, ConnectionState.ENDED
LONGEST_STEP_S = 0.021

MakePeer = Callable[[], "Peer"]


@pytest.fixture(params=sorted(HUBS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def layout(peer: Peer) -> SensorLayout:
    return peer.layout


@pytest.fixture
def peer(kind: str, peers: dict[str, MakePeer]) -> Peer:
    assert kind in peers, f"hubs of kind {kind} have no counterpart in PEERS of conftest.py"
    return peers[kind]()


@dataclass
class Bench:
    """A hub with its counterpart."""

    hub: Hub
    peer: Peer

    def run(self, seconds: float) -> list[ImuSample]:
        """Step until virtual time has passed; every step is short."""
        clock, samples = self.peer.clock, []
        until_s = clock() + seconds
        while clock() < until_s:
            before_s = clock()
            samples += self.hub.step()
            assert clock() - before_s <= LONGEST_STEP_S
        return samples

    def run_to(self, state: ConnectionState, limit_s: float = 10.0) -> list[ImuSample]:
        """Step to a state."""
        until_s = self.peer.clock() + limit_s
        samples: list[ImuSample] = []
        while self.hub.state is not state:
            assert self.peer.clock() < until_s, f"{self.hub.state} after {limit_s} s: {self.hub.problem}"
            samples += self.hub.step()
        return samples


@pytest.fixture
def make_bench(kind: str, peer: Peer, layout: SensorLayout) -> Callable[..., Bench]:
    def make(transport: Transport | None = None, *, listen_only: bool = False) -> Bench:
        clock = peer.clock
        hub = make_hub(kind, transport or peer.line, layout, 100, listen_only, clock=clock, wait=clock.advance)
        return Bench(hub, peer)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def test_before_the_first_step_nothing_is_known_and_nothing_is_open(bench: Bench) -> None:
    hub = bench.hub
    assert (hub.state, hub.identity, hub.layout_id) == (DISCONNECTED, None, 0)
    assert hub.problem
    assert hub.description
    assert hub.streaming
    assert list(hub.notices) == []
    assert hub.figures().samples == 0
    assert hub.figures().asked_rate_hz == 100
    assert not bench.peer.line.is_open


def test_samples_are_complete(bench: Bench, layout: SensorLayout) -> None:
    bench.run_to(CONNECTED)
    assert bench.hub.problem == ""
    samples = bench.run(2.0)
    assert len(samples) == pytest.approx(200, abs=2)
    count = len(layout.sensors)
    for sample in samples:
        assert sample.layout_id == bench.hub.layout_id != 0
        assert (sample.status.shape, sample.status.dtype) == ((count,), np.uint8)
        for array, width in ((sample.orientation, 4), (sample.angular_velocity, 3), (sample.specific_force, 3)):
            assert (array.shape, array.dtype) == ((count, width), np.float32)
            assert np.isfinite(array).all()
        assert sample.valid.all()
        np.testing.assert_allclose(np.linalg.norm(sample.orientation, axis=1), 1.0, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(sample.specific_force, axis=1), 9.81, atol=0.1)
        assert sample.host_time_s <= sample.arrival_s + 1e-3
    for before, after in pairwise(samples):
        assert after.sequence == before.sequence + 1
        assert after.host_time_s > before.host_time_s
        assert after.hub_time_s == pytest.approx(before.hub_time_s + 0.01, abs=1e-4)
    figures = bench.hub.figures()
    assert (figures.samples >= len(samples), figures.lost, figures.connections) == (True, 0, 1)


def test_identity_is_in_si_units_and_stays_the_same_object(bench: Bench) -> None:
    bench.run_to(CONNECTED)
    identity, layout_id = bench.hub.identity, bench.hub.layout_id
    assert identity is not None
    assert (identity.name, identity.firmware, identity.rate_hz) == (*bench.peer.named, 100)
    assert identity.sends_orientation
    assert all(sensor.present for sensor in identity.sensors)
    assert identity.sensors[0].gyro_range_rad_s == pytest.approx(bench.peer.ranges[0])
    assert identity.sensors[0].accel_range_m_s2 == pytest.approx(bench.peer.ranges[1], rel=1e-3)
    bench.peer.line.plugged = False
    bench.run_to(DISCONNECTED)
    bench.peer.line.plugged = True
    bench.run_to(CONNECTED)
    assert bench.hub.identity is identity
    assert bench.hub.layout_id == layout_id


def test_the_same_hub_and_layout_have_the_same_number_in_every_run(
    kind: str, peers: dict[str, MakePeer], layout: SensorLayout
) -> None:
    numbers = set()
    for _ in range(2):
        peer = peers[kind]()
        bench = Bench(make_hub(kind, peer.line, layout, 100, clock=peer.clock, wait=peer.clock.advance), peer)
        bench.run_to(CONNECTED)
        numbers.add(bench.hub.layout_id)
    assert len(numbers) == 1


def test_what_fails_shows_and_heals(bench: Bench) -> None:
    bench.peer.line.plugged = False
    assert bench.run(3.0) == []
    assert bench.hub.state is DISCONNECTED
    assert "plug" in bench.hub.problem
    bench.peer.line.plugged = True
    first = bench.run_to(CONNECTED)
    bench.peer.line.plugged = False
    bench.run_to(DISCONNECTED)
    bench.peer.line.plugged = True
    again = bench.run_to(CONNECTED)
    assert again[0].host_time_s > first[-1].host_time_s
    assert bench.hub.figures().connections == 2


def test_garbage_is_counted_and_does_no_harm(bench: Bench) -> None:
    bench.run_to(CONNECTED)
    rng = np.random.default_rng(1)
    for i in range(50):
        bench.peer.line.deliver(rng.bytes(100) + b"\0", bench.peer.clock() + 0.01 * i)
    bench.run(2.0)
    assert bench.hub.state is CONNECTED
    figures = bench.hub.figures()
    assert sum(figures.rejected.values()) > 10
    assert figures.last_reject


def test_streaming_off_and_on(bench: Bench) -> None:
    bench.run_to(CONNECTED)
    off = bench.hub.set_streaming(False)
    assert not off.done(), "commands are done in a step"
    bench.run(0.2)
    assert off.result(0).ok
    assert bench.run(5.0) == []
    assert (bench.hub.state, bench.hub.streaming) == (CONNECTED, False)
    on = bench.hub.set_streaming(True)
    assert len(bench.run(1.0)) > 90
    assert on.result(0).ok


def test_streaming_is_remembered_while_nobody_is_there(bench: Bench) -> None:
    off = bench.hub.set_streaming(False)
    bench.hub.step()
    assert off.result(0).ok
    assert bench.run(2.0) == []
    assert bench.hub.state is CONNECTED


def test_identify(bench: Bench, layout: SensorLayout) -> None:
    early = bench.hub.identify(layout.sensors[0].id)
    bench.hub.step()
    assert not early.result(0).ok
    assert early.result(0).message
    bench.run_to(CONNECTED)
    known, unknown = bench.hub.identify(layout.sensors[3].id), bench.hub.identify(200)
    bench.run(0.2)
    if not bench.peer.blinks:
        assert (known.result(0).ok, known.result(0).answered, bool(known.result(0).message)) == (False, True, True)
        return
    assert known.result(0).ok
    assert (unknown.result(0).ok, unknown.result(0).answered) == (False, True)
    assert bench.peer.identified == [layout.sensors[3].id]


def test_close_ends_what_waits_and_stops_the_hub(bench: Bench) -> None:
    bench.run_to(CONNECTED)
    waiting = bench.hub.identify(1)
    bench.hub.close()
    assert not waiting.result(0).ok
    assert not bench.peer.streaming()
    assert not bench.peer.line.is_open
    assert bench.hub.state is DISCONNECTED
    bench.hub.close()


def test_a_listener_sends_nothing(make_bench: Callable[..., Bench], bench: Bench) -> None:
    bench.run_to(CONNECTED)
    bench.run(1.0)
    # The hub streams on, as one does that nobody can tell anything; now somebody else listens.
    listener = make_bench(listen_only=True)
    written = bench.peer.line.written
    listener.run(0.5)
    bench.peer.say_hello()
    samples = listener.run(1.0)
    assert len(samples) > 90
    assert listener.hub.figures().lost == 0
    assert listener.hub.state is CONNECTED
    refused = [listener.hub.identify(1), listener.hub.set_streaming(False)]
    listener.run(0.1)
    assert [command.result(0).ok for command in refused] == [False, False]
    bench.peer.line.cut = True
    listener.run(20.0)
    assert (listener.hub.state, bench.peer.line.opened) == (ConnectionState.CONNECTING, 2)
    bench.peer.line.cut = False
    assert len(listener.run(1.0)) > 50
    listener.hub.close()
    assert bench.peer.line.written == written


# Recorded bytes


def same(a: ImuSample, b: ImuSample) -> bool:
    arrays = ("status", "orientation", "angular_velocity", "specific_force")
    numbers = ("layout_id", "sequence", "hub_time_s", "arrival_s")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in (*arrays, *numbers))


def test_a_recording_gives_the_same_samples(
    make_bench: Callable[..., Bench], kind: str, peer: Peer, layout: SensorLayout, tmp_path: Path
) -> None:
    transport = RecordingTransport(peer.line, tmp_path / "take.bytes", peer.clock)
    live = make_bench(transport)
    expected = [*live.run_to(CONNECTED), *live.run(2.0)]
    live.hub.close()
    transport.close_file()
    transport.close_file()
    replayed, hub = [], make_hub(kind, RecordedBytesTransport(tmp_path / "take.bytes"), layout, 100)
    while hub.state is not ENDED:
        replayed += hub.step()
    assert hub.problem == f"recording {tmp_path / 'take.bytes'} has ended"
    assert len(replayed) > 190
    assert [sample.sequence for sample in replayed] == [sample.sequence for sample in expected]
    assert all(same(a, b) for a, b in zip(replayed, expected, strict=True))
    for a, b in zip(replayed, expected, strict=True):
        # The pings' answers help a live map only, by at most the delay of the line.
        assert a.host_time_s == pytest.approx(b.host_time_s, abs=0.002)
    assert hub.identity == live.hub.identity
    assert list(hub.step()) == []
    hub.close()


def test_a_recording_goes_on_where_the_hub_was_attached_anew(
    make_bench: Callable[..., Bench], kind: str, peer: Peer, layout: SensorLayout, tmp_path: Path
) -> None:
    transport = RecordingTransport(peer.line, tmp_path / "take.bytes", peer.clock)
    live = make_bench(transport)
    expected = [*live.run_to(CONNECTED), *live.run(1.0)]
    peer.line.plugged = False
    expected += live.run_to(DISCONNECTED)
    peer.line.plugged = True
    expected += [*live.run_to(CONNECTED), *live.run(1.0)]
    live.hub.close()
    transport.close_file()
    replayed, hub = [], make_hub(kind, RecordedBytesTransport(tmp_path / "take.bytes"), layout, 100)
    while hub.state is not ENDED:
        replayed += hub.step()
    # What the live hub dropped as left over from the older stream may be among them.
    times = {sample.hub_time_s for sample in replayed}
    assert times.issuperset(sample.hub_time_s for sample in expected)
    assert all(b.host_time_s > a.host_time_s for a, b in pairwise(replayed))


@pytest.mark.parametrize("pieces", [[], [b"garbage\0" * 9]], ids=["empty", "garbage"])
def test_a_recording_without_a_hub_ends_and_says_so(
    kind: str, layout: SensorLayout, tmp_path: Path, pieces: list[bytes]
) -> None:
    path = tmp_path / "take.bytes"
    with path.open("wb") as file:
        file.write(MAGIC)
        for number, piece in enumerate(pieces):
            write_piece(file, float(number), piece)
    hub = make_hub(kind, RecordedBytesTransport(path), layout, 100)
    for _ in range(10):
        assert list(hub.step()) == []
    assert hub.state is ENDED
    assert "without a sample" in hub.problem
    assert hub.identity is None


def test_an_unknown_kind_names_those_there_are(layout: SensorLayout, tmp_path: Path) -> None:
    (tmp_path / "take").write_bytes(MAGIC)
    with pytest.raises(ValueError, match="expected a kind of hub out of imusic_v1, "):
        make_hub("imusic_v9", RecordedBytesTransport(tmp_path / "take"), layout, 100)
