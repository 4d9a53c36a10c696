"""Promise 22: UDP hears this machine only by default, and only one sender."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from face_model.layout import SensorLayout
from imu_driver.hub import ConnectionState
from imu_driver.hubs import make_hub, sealed
from imu_driver.hubs.imusic_v1.protocol import Hello, Ping, SensorInfo, StreamParser, encode, is_hello
from imu_driver.transport import BusyError, LostError, NotFoundError
from imu_driver.udp import UdpTransport
from imu_driver.udp_addresses import Address, parse_address, parse_hub_address
from imu_sim.hub.guard import HubGuard

HELLO = encode(Hello(1, 100, 400, 7, "hub", "1", (SensorInfo(0, "skull", "QMI8658", 1024, 8),)))


@pytest.fixture
def hub() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(5.0)
        yield opened


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        yield opened


def told(hub: socket.socket) -> UdpTransport:
    host, port = hub.getsockname()
    return UdpTransport("127.0.0.1", 0, (host, port))


def test_told_hub_is_heard_and_others_are_not(hub: socket.socket, stranger: socket.socket) -> None:
    transport = told(hub)
    transport.open()
    stranger.sendto(HELLO, transport.address)
    assert transport.read(0.05) == b""
    assert transport.foreign == 1
    hub.sendto(b"anything", transport.address)
    assert transport.read(5.0) == b"anything"
    transport.write(encode(Ping(1)))
    assert hub.recvfrom(100) == (encode(Ping(1)), transport.address)
    transport.close()


def test_learned_hub(hub: socket.socket, stranger: socket.socket) -> None:
    transport = UdpTransport("127.0.0.1", 0)
    transport.open(is_hello)
    transport.write(encode(Ping(1)))
    assert transport.unsent == 1
    stranger.sendto(encode(Ping(1)), transport.address)
    assert transport.read(0.05) == b""
    assert transport.hub is None
    assert "no hub yet" in transport.description
    hub.sendto(b"\0" + HELLO + HELLO, transport.address)
    assert transport.read(5.0) == b"\0" + HELLO + HELLO
    assert transport.hub == hub.getsockname()
    # Once learned, another HELLO cannot take its place.
    stranger.sendto(HELLO, transport.address)
    assert transport.read(0.05) == b""
    assert transport.foreign == 2
    transport.write(b"x")
    assert hub.recvfrom(100)[0] == b"x"
    transport.open(is_hello)
    assert transport.hub is None
    transport.close()


def test_without_a_test_for_hubs_the_first_sender_is_the_hub(hub: socket.socket, stranger: socket.socket) -> None:
    transport = UdpTransport("127.0.0.1", 0)
    transport.open()
    hub.sendto(b"anything", transport.address)
    assert transport.read(5.0) == b"anything"
    stranger.sendto(HELLO, transport.address)
    assert transport.read(0.05) == b""
    transport.close()


def silent(transport: UdpTransport) -> None:
    """As if the hub had said nothing for a while."""
    transport._heard_s = float("-inf")


def test_a_hub_that_fell_silent_is_followed_to_another_port(hub: socket.socket, stranger: socket.socket) -> None:
    transport = UdpTransport("127.0.0.1", 0)
    transport.open(is_hello)
    hub.sendto(HELLO, transport.address)
    assert transport.read(5.0) == HELLO
    stranger.sendto(HELLO, transport.address)
    assert transport.read(0.05) == b"", "not while it is heard"
    silent(transport)
    stranger.sendto(encode(Ping(1)), transport.address)
    assert transport.read(0.05) == b""
    transport.write(encode(Ping(2)))
    stranger.settimeout(5.0)
    assert stranger.recvfrom(100)[0] == encode(Ping(2)), "who sends something else is asked"
    silent(transport)
    stranger.sendto(HELLO, transport.address)
    assert transport.read(5.0) == HELLO
    assert transport.hub == stranger.getsockname()
    transport.close()


def test_a_told_port_is_never_left(hub: socket.socket, stranger: socket.socket) -> None:
    transport = told(hub)
    transport.open(is_hello)
    silent(transport)
    stranger.sendto(HELLO, transport.address)
    assert transport.read(0.05) == b""
    transport.close()


def test_a_told_host_may_use_any_port(hub: socket.socket) -> None:
    transport = UdpTransport("127.0.0.1", 0, parse_hub_address("127.0.0.1:*"))
    transport.open(is_hello)
    hub.sendto(HELLO, transport.address)
    assert transport.read(5.0) == HELLO
    transport.close()
    transport = UdpTransport("127.0.0.1", 0, parse_hub_address("127.0.0.2:*"))
    transport.open(is_hello)
    hub.sendto(HELLO, transport.address)
    assert transport.read(0.05) == b""
    transport.close()


def test_one_read_drops_many_strangers(hub: socket.socket, stranger: socket.socket) -> None:
    transport = told(hub)
    transport.open()
    for _ in range(200):
        stranger.sendto(b"x", transport.address)
    hub.sendto(b"mine", transport.address)
    assert transport.read(5.0) == b"mine"
    assert transport.foreign == 200
    transport.close()


def test_timeout_and_absent_hub(hub: socket.socket) -> None:
    transport = told(hub)
    transport.open()
    hub.close()
    for _ in range(3):
        transport.write(b"x")
        assert transport.read(0.001) == b""
    transport.close()
    transport.close()
    with pytest.raises(LostError):
        transport.read(0.0)


def test_address_in_use(hub: socket.socket) -> None:
    with pytest.raises(BusyError, match="another port in `udp`"):
        UdpTransport(*hub.getsockname()).open()


def test_foreign_address() -> None:
    with pytest.raises(NotFoundError, match="as host in `udp`"):
        UdpTransport("192.0.2.1", 0).open()


def test_unresolvable_hub() -> None:
    with pytest.raises(NotFoundError, match="hub_address"):
        UdpTransport("127.0.0.1", 0, ("no.such.host.invalid", 1)).open()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", None),
        ("10.0.0.2:8765", ("10.0.0.2", 8765)),
        ("hub.local:1", ("hub.local", 1)),
        (":8765", ("127.0.0.1", 8765)),
    ],
)
def test_parse_address(text: str, address: Address | None) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["hub", ":", "hub:", "hub:0", "hub:65536", "hub:-1", "hub:x"])
def test_bad_address(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("10.0.0.2:8765", (("10.0.0.2", 8765),)),
        ("hub.local:*", (("hub.local", None),)),
        ("10.0.0.2:1, 192.168.4.0/24:*", (("10.0.0.2", 1), ("192.168.4.0/24", None))),
    ],
)
def test_parse_hub_address(text: str, found: tuple[tuple[str, int | None], ...]) -> None:
    assert parse_hub_address(text) == found


@pytest.mark.parametrize("text", ["hub", "hub:1,", ":1", "*", ":*", "10.0.0.0/33:*", "10.0.0.0/x:1", "a:1,,b:1"])
def test_bad_hub_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_hub_address(text)


def sent_by_another_process(port: int, senders: list[str], data: bytes, times: int) -> None:
    """Datagrams to this machine's port from other addresses of it, by a process of its own."""
    program = f"""
import socket
for host in {senders!r}:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((host, 0))
        for _ in range({times}):
            sender.sendto({data!r}, ("127.0.0.1", {port}))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("allowed", "senders", "heard"),
    [
        ("127.0.0.5:*", ["127.0.0.5"], True),
        ("127.0.0.5:*", ["127.0.0.1", "127.0.0.2", "127.0.1.5"], False),
        ("127.0.0.5:9, 127.0.7.0/24:*", ["127.0.0.5", "127.0.8.1"], False),
        ("127.0.0.5:9, 127.0.7.0/24:*", ["127.0.7.77"], True),
        ("127.0.0.5:9", ["127.0.0.5", "127.0.0.1"], False),
    ],
)
def test_only_who_is_on_the_list_is_heard(allowed: str, senders: list[str], heard: bool) -> None:
    """Spoofed senders in another process, each with a perfect HELLO."""
    transport = UdpTransport("127.0.0.1", 0, parse_hub_address(allowed))
    transport.open(is_hello)
    sent_by_another_process(transport.address[1], senders, HELLO, 20)
    read = [data for data in (transport.read(0.0) for _ in range(100)) if data]
    assert read == ([HELLO] * 20 if heard else [])
    assert transport.foreign == (0 if heard else 20 * len(senders))
    transport.write(encode(Ping(1)))
    assert transport.unsent == (0 if heard or (len(parse_hub_address(allowed)) == 1 and ":9" in allowed) else 1)
    transport.close()


def test_without_a_host_only_this_machine_is_heard() -> None:
    bound = parse_address(":1")
    assert bound is not None
    transport = UdpTransport(bound[0], 0)
    transport.open(is_hello)
    assert transport.address[0] == "127.0.0.1"
    transport.close()


def test_a_stranger_that_feigns_the_hub_changes_nothing(layout: SensorLayout) -> None:
    """With a key: another process sends HELLO and samples before the hub, beside it, and in its silence."""
    key = bytes(range(32))
    udp = UdpTransport("127.0.0.1", 0)
    seal = sealed("imusic_v1", udp, key)
    session = make_hub("imusic_v1", seal, layout, 100)
    session.step()
    port = udp.address[1]
    sent_by_another_process(port, ["127.0.0.9"], HELLO, 30)
    for _ in range(40):
        assert not session.step()
    assert session.state is ConnectionState.ERROR
    assert "version 1.0" in session.problem
    assert udp.hub is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setblocking(False)
        guard, parser, answers = HubGuard(key, time.monotonic), StreamParser(), [HELLO]
        hello = Hello(1, 100, 400, 6, "hub", "1", tuple(SensorInfo(s.id, s.name, "x", 9, 9) for s in layout.sensors))
        for _ in range(2000):
            opened.sendto(guard.sealed(hello), ("127.0.0.1", port))
            session.step()
            try:
                inner, answers = guard.opened(parser.feed(opened.recv(4096)))
            except BlockingIOError:
                continue
            if answers:  # in one datagram, as a hub may
                opened.sendto(b"".join(answers), ("127.0.0.1", port))
            if inner:
                break
        assert udp.hub == opened.getsockname() or udp.hub == ("127.0.0.1", opened.getsockname()[1])
        for _ in range(20):
            opened.sendto(guard.sealed(hello), ("127.0.0.1", port))
            session.step()
        assert session.identity is not None
        assert session.identity.name == "hub"
        foreign = udp.foreign
        sent_by_another_process(port, ["127.0.0.9"], HELLO, 30)
        for _ in range(40):
            session.step()
        assert udp.foreign == foreign + 30
        assert udp.hub == ("127.0.0.1", opened.getsockname()[1])
    session.close()
