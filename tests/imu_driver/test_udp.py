"""Promise 22: UDP hears this machine only by default, and only one sender."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from imu_driver.hubs.imusic_v1.protocol import Hello, Ping, SensorInfo, encode, is_hello
from imu_driver.transport import BusyError, LostError, NotFoundError
from imu_driver.udp import Address, UdpTransport, parse_address, parse_hub_address

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
    ("text", "address"), [("", None), ("10.0.0.2:8765", ("10.0.0.2", 8765)), ("hub.local:1", ("hub.local", 1))]
)
def test_parse_address(text: str, address: Address | None) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["hub", ":1", "hub:", "hub:0", "hub:65536", "hub:-1", "hub:x"])
def test_bad_address(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        parse_address(text)
