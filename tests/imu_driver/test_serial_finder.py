"""Hubs among USB ports: pseudo-terminals that call themselves so, on a clock that the test turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.introduction import Introduction
from imu_driver.hubs.imusic_v1.sealed_line import SealedLine
from imu_driver.serial_finder import LISTEN_S, FoundCheckedTransport, FoundSerialTransport
from imu_driver.transport import NotFoundError, Transport, TransportError
from imu_sim.hub.guard import HubGuard
from imu_sim.hub.pty_link import PtyLink

KEY = bytes(range(32))
SAMPLE = p.encode(p.Sample(1, 1000, 7, b"\x01", bytes(20)))


@dataclass
class Port:
    """A USB port as pyserial lists it, with a pseudo-terminal behind it."""

    link: PtyLink
    serial_number: str | None
    vid: int | None = 0x303A
    pid: int | None = 0x1001

    @property
    def device(self) -> str:
        return str(self.link.device)

    def say(self, data: bytes) -> None:
        self.link.write([data])


class Bench:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.ports: list[Port] = []

    def port(self, serial_number: str | None = None, vid: int | None = 0x303A) -> Port:
        self.ports.append(Port(PtyLink(), serial_number, vid))
        return self.ports[-1]

    def finder(self, name: str = "") -> FoundSerialTransport:
        return FoundSerialTransport(921600, Introduction, name, lambda: list(self.ports), lambda: self.now_s)

    def keyed_finder(self, name: str = "") -> FoundCheckedTransport:
        def check(line: Transport) -> SealedLine:
            return SealedLine(line, KEY, lambda: self.now_s)

        return FoundCheckedTransport(921600, Introduction, check, name, lambda: list(self.ports), lambda: self.now_s)

    def look(self, finder: FoundSerialTransport, seconds: float) -> bytes:
        data = b""
        for _ in range(round(seconds / 0.1)):
            self.now_s += 0.1
            data += finder.read(0.0)
        return data


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for port in bench.ports:
        port.link.close()


@pytest.fixture
def called(hello: p.Hello) -> Callable[[str], bytes]:
    return lambda name: p.encode(replace(hello, hub=name))


def test_the_only_hub_is_found_beside_others_that_hear_nothing(bench: Bench, called: Callable[[str], bytes]) -> None:
    printer, hub, modem = bench.port("printer"), bench.port("hub"), bench.port("modem", vid=0x12D1)
    finder = bench.finder()
    finder.open()
    printer.say(b"start\necho: Marlin 2.1\n")
    hub.say(called("face"))
    finder.write(b"a question")
    assert bench.look(finder, 1.0) == b""
    assert bench.look(finder, 1.0) == called("face"), "what it said is not lost"
    assert hub.device in finder.description
    finder.write(b"to the hub")
    assert hub.link.read() == b"to the hub"
    assert (printer.link.read(), modem.link.read()) == (b"", b"")
    assert not modem.link.connected
    finder.close()


def test_one_that_only_sends_samples_is_asked(bench: Bench, called: Callable[[str], bytes]) -> None:
    hub, other = bench.port("a"), bench.port("b")
    finder = bench.finder()
    finder.open()
    hub.say(SAMPLE)
    bench.look(finder, 0.1)
    finder.write(b"who?")
    assert (hub.link.read(), other.link.read()) == (b"who?", b"")
    hub.say(called("face"))
    assert bench.look(finder, 2.0) == SAMPLE + called("face")
    finder.close()


def test_several_hubs_are_listed_and_a_name_chooses(bench: Bench, called: Callable[[str], bytes]) -> None:
    left, right = bench.port("17"), bench.port("18")
    for name, found in (("", None), ("right", right)):
        finder = bench.finder(name)
        finder.open()
        left.say(called("left"))
        right.say(called("right"))
        if found is None:
            with pytest.raises(TransportError, match=r"found 2: 'left' at .* number 17, 'right' .*set `hub_id`"):
                bench.look(finder, 2.0)
        else:
            bench.look(finder, 0.1)
            assert found.device in finder.description
        finder.close()
    finder = bench.finder("chin")
    finder.open()
    left.say(called("left"))
    with pytest.raises(NotFoundError, match=r"expected the hub 'chin', found 'left' at"):
        bench.look(finder, LISTEN_S + 0.5)
    finder.close()


def test_a_found_hub_is_known_again_by_its_serial_number(bench: Bench, called: Callable[[str], bytes]) -> None:
    hub = bench.port("17")
    finder = bench.finder()
    finder.open()
    hub.say(called("face"))
    bench.look(finder, 0.2)
    hub.link.unplug()
    with pytest.raises(TransportError):
        bench.look(finder, 0.5)
    newcomer = bench.port("18")
    hub.link.plug()
    finder.open()
    assert hub.device in finder.description, "at once, under whatever name"
    assert not newcomer.link.connected
    finder.close()


def test_what_is_missing_is_told(bench: Bench) -> None:
    finder = bench.finder()
    with pytest.raises(NotFoundError, match=r"found no USB serial port; plug the hub in"):
        finder.open()
    modem = bench.port("m", vid=0x12D1)
    bench.port("x", vid=None)
    with pytest.raises(NotFoundError, match=rf"only {modem.device} \(12d1:1001\)"):
        finder.open()
    silent = bench.port("s")
    finder.open()
    with pytest.raises(NotFoundError, match=rf"listened 3 s to {silent.device} and heard none"):
        bench.look(finder, LISTEN_S + 0.5)
    finder.close()


class KeyedHub:
    """A hub with a key behind a port; answers as often as it is told to."""

    def __init__(self, port: Port, hello: p.Hello, key: bytes) -> None:
        self.port, self.hello = port, hello
        self.guard, self.parser = HubGuard(key, lambda: 0.0), p.StreamParser()
        self.sealed = 0

    def step(self) -> None:
        heard = self.port.link.read()
        inner, answers = self.guard.opened(self.parser.feed(heard) if heard else [])
        self.sealed += len(inner)
        asked = any(isinstance(packet, p.HelloRequest) for packet in inner)
        for data in (*answers, *([self.guard.sealed(self.hello)] if asked else [])):
            self.port.say(data)


def test_a_hub_with_a_key_is_found_by_it_and_by_its_name(bench: Bench, hello: p.Hello) -> None:
    names = ("left", "right")
    hubs = [KeyedHub(bench.port(name), replace(hello, hub=name), KEY) for name in names]
    stranger = KeyedHub(bench.port("x"), replace(hello, hub="right"), bytes(32))
    printer = bench.port("printer")
    finder = bench.keyed_finder("right")
    finder.open()
    said = b""
    for hub in (*hubs, stranger):
        hub.port.say(hub.guard.sealed(hello))  # as each second without a session: REFUSED
    for _ in range(10):
        said += bench.look(finder, 0.1)
        for hub in (*hubs, stranger):
            hub.step()
    assert hubs[1].port.device in finder.description
    assert p.decode(said.partition(b"\0")[0] + b"\0") == hubs[1].hello, "what was sealed is handed on as it was"
    assert printer.link.read() == b"", "nobody is written to who did not speak as a hub"
    assert finder.rejected["bad_tag"] == 1
    finder.write(p.encode(p.Ping(9)))
    before = hubs[1].sealed
    hubs[1].step()
    assert hubs[1].sealed == before + 1
    hubs[1].port.link.unplug()
    with pytest.raises(TransportError):
        bench.look(finder, 0.5)
    hubs[1].port.link.plug()
    hubs[1].guard.forget()
    finder.open()  # known again by its serial number, and asked for the key again
    finder.write(p.encode(p.HelloRequest(0)))
    for _ in range(5):
        hubs[1].step()
        said = bench.look(finder, 0.1)
    assert hubs[1].guard.sessions == 2
    assert finder.rejected["bad_tag"] == 1, "what was counted stays counted"
    finder.close()


@pytest.mark.parametrize("keyed", [True, False])
def test_a_key_that_does_not_fit_is_told_also_where_the_port_is_looked_for(
    bench: Bench, hello: p.Hello, keyed: bool
) -> None:
    hub = KeyedHub(bench.port("17"), hello, bytes(32))
    finder = bench.keyed_finder("") if keyed else bench.finder()
    finder.open()
    hub.port.say(hub.guard.sealed(hello))

    def look() -> None:
        for _ in range(50):
            finder.write(p.encode(p.HelloRequest(0)))
            hub.step()
            bench.look(finder, 0.1)

    told = "has another key than this driver" if keyed else "set the driver's `key_file`"
    with pytest.raises(NotFoundError, match=f"{hub.port.device}: .*{told}"):
        look()
    finder.close()


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.binary(max_size=600), max_size=6), at=st.integers(0, 6))
def test_noise_is_no_hub_and_hides_none(hello: p.Hello, noise: list[bytes], at: int) -> None:
    introduction = Introduction()
    for piece in noise[:at]:
        introduction.hear(piece)
    assert introduction.name is None
    introduction.hear(b"\0" + p.encode(hello))
    for piece in noise[at:]:
        introduction.hear(piece)
    assert introduction.name == hello.hub
    assert introduction.speaks
