"""Two hubs that claim to be one on a UDP port: the first goes on, and people are told of both."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState
from imu_driver.hubs import make_hub, sealed
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.two_hubs import TWO_HUBS, two_hubs
from imu_driver.udp import UdpTransport
from imu_driver.udp_others import LOOK_S, REFUSED_S, RIVAL_S, TURN_S, OtherSenders

if TYPE_CHECKING:
    from conftest import BenchHub, Rig

KEY = bytes(range(32))
LONGEST_S = 60.0
A, B = ("10.0.0.5", 4001), ("10.0.0.6", 4002)


def others() -> OtherSenders:
    watch = OtherSenders()
    watch.is_rival = lambda data: data == b"hub"
    return watch


def test_who_claims_to_be_the_hub_while_the_hub_is_heard_is_a_rival() -> None:
    watch = others()
    watch.look(b"hub", B, 1.0)
    assert watch.known(1.0) is None, "perhaps the hub itself, from another port"
    watch.hub_heard(1.0 + 0.5 * TURN_S)
    assert watch.known(1.1) is None, "a datagram may overtake another"
    watch.hub_heard(1.0 + 2.0 * TURN_S)
    assert watch.known(1.2) == B
    assert watch.known(1.0 + RIVAL_S + 0.1) is None
    watch.forget()
    assert watch.known(1.2) is None


def test_others_are_no_rivals_and_are_looked_at_now_and_then() -> None:
    looked: list[bytes] = []
    watch = others()
    watch.is_rival = lambda data: bool(looked.append(data))
    for number in range(1000):
        watch.look(b"x", B, 1.0 + 0.001 * number)
        watch.hub_heard(1.0 + 0.001 * number)
    assert len(looked) <= 1.0 / LOOK_S + 1
    assert watch.known(2.0) is None
    assert watch.take_other() == B
    assert watch.take_other() is None
    OtherSenders().look(b"hub", B, 1.0)  # nobody asks


def test_who_is_refused_is_heard_again_after_a_while() -> None:
    watch = others()
    watch.refuse(A, 1.0)
    assert not watch.may_be_the_hub(A, 1.0)
    assert watch.may_be_the_hub(B, 1.0)
    assert watch.may_be_the_hub(A, 1.1 + REFUSED_S)
    watch.refuse(B, 2.0)
    watch.forget()
    assert watch.may_be_the_hub(B, 2.0)


def test_what_is_said_has_both_addresses_and_what_to_do() -> None:
    said = two_hubs("left", "UDP 0.0.0.0:5055 from the hub at 10.0.0.5:4001", "10.0.0.6:4002")
    for words in (TWO_HUBS, "'left'", "10.0.0.5:4001", "10.0.0.6:4002", "switch one", "key of its own", "hub_address"):
        assert words in said


class OnUdp:
    """A simulated hub that sends to one address, as it was told, and turns when a test says so."""

    def __init__(self, hub: BenchHub, to: tuple[str, int]) -> None:
        self.hub, self.to = hub, to
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.quiet = False

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def turn(self) -> None:
        sent = [] if self.quiet else list(self.hub.due())
        try:
            while True:
                data = self.socket.recv(4096)
                sent += [] if self.quiet else self.hub.receive(data)
        except BlockingIOError:
            pass
        for frame in sent:
            self.socket.sendto(frame, self.to)


class Bench:
    """A driver that knows one hub's name, and two hubs that have it."""

    def __init__(self, layout: SensorLayout, make: Callable[[bytes | None], BenchHub], key: bytes | None) -> None:
        self.udp = UdpTransport("127.0.0.1", 0)
        line = self.udp if key is None else sealed("imusic_v1", self.udp, key)
        self.session = make_hub("imusic_v1", line, layout, 50, name="bench-hub")
        self.session.step()
        self.hubs = [OnUdp(make(key), self.udp.address) for _ in range(2)]
        self.keyed = key is not None
        self.samples = 0

    def until(self, happened: Callable[[], bool]) -> None:
        end_s = time.monotonic() + LONGEST_S
        while not happened():
            assert time.monotonic() < end_s, f"{self.session.state}: {self.session.problem}, {self.session.notices}"
            for hub in self.hubs:
                hub.to = self.udp.address if self.udp.address[1] else hub.to
                hub.turn()
            self.samples += len(self.session.step())

    def run(self, samples: int) -> None:
        count = self.samples + samples
        self.until(lambda: self.samples >= count)

    @property
    def used(self) -> OnUdp:
        return next(hub for hub in self.hubs if hub.socket.getsockname() == self.udp.hub)

    def close(self) -> None:
        self.session.close()
        for hub in self.hubs:
            hub.socket.close()


@pytest.fixture(params=[None, KEY], ids=["no key", "key"])
def bench(request: pytest.FixtureRequest, make_rig: Callable[..., Rig], layout: SensorLayout) -> Iterator[Bench]:
    kind = type(make_rig().hub)
    made = Bench(layout, lambda key: kind(layout, time.monotonic, key), request.param)
    yield made
    made.close()


def test_the_first_goes_on_and_both_are_told(bench: Bench) -> None:
    session = bench.session
    bench.until(lambda: session.state is ConnectionState.CONNECTED)
    used = bench.used
    other = next(hub for hub in bench.hubs if hub is not used)
    bench.until(lambda: any(notice.startswith(TWO_HUBS) for notice in session.notices))
    (said,) = (notice for notice in session.notices if notice.startswith(TWO_HUBS))
    assert used.address in said
    assert other.address in said.partition("another at ")[2]
    bench.run(60)
    figures = session.figures()
    assert (figures.reboots, figures.connections, bench.used) == (0, 1, used)
    assert not any(count for reason, count in figures.rejected.items() if reason != "unsealed"), figures.rejected

    # A moment without the first one does not make another hub of it.
    used.quiet = True
    bench.until(lambda: session.state is ConnectionState.CONNECTING)
    for _ in range(20):
        other.turn()
        session.step()
    used.quiet = False
    bench.run(60)
    assert bench.used is used
    assert session.figures().reboots == 0

    # Where it is gone for good, the other takes its place: that is what a spare is for.
    used.quiet = True
    bench.until(lambda: bench.udp.hub == other.socket.getsockname())
    bench.run(20)
    assert not any(notice.startswith(TWO_HUBS) for notice in session.notices)


def test_the_hub_of_the_wanted_name_is_found_beside_another_with_its_key(bench: Bench) -> None:
    session, (other, wanted) = bench.session, bench.hubs
    other.hub.settings = replace(other.hub.settings, name="other-hub")
    wanted.quiet = True
    if bench.keyed:
        bench.until(lambda: session.state is ConnectionState.ERROR)
        assert "expected the hub 'bench-hub', found 'other-hub'" in session.problem
        assert other.address in session.problem
    wanted.quiet = False
    bench.run(60)
    assert bench.used is wanted
    assert not any(isinstance(packet, p.Start | p.SetRate) for packet in other.hub.received)


def test_a_hub_of_another_name_alone_stays_an_error_and_may_be_renamed(bench: Bench) -> None:
    if not bench.keyed:
        pytest.skip("without a key it is not heard at all")
    session, (other, wanted) = bench.session, bench.hubs
    other.hub.settings = replace(other.hub.settings, name="other-hub")
    wanted.quiet = True
    bench.until(lambda: session.state is ConnectionState.ERROR)
    states = set()
    hellos = len(other.hub.received)

    def asked_again() -> bool:
        states.add(session.state)
        return sum(isinstance(packet, p.HelloRequest) for packet in other.hub.received[hellos:]) >= 2

    bench.until(asked_again)
    assert states == {ConnectionState.ERROR}
    other.hub.settings = replace(other.hub.settings, name="bench-hub")
    bench.run(20)
    assert bench.used is other
