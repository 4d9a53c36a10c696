from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from imu_driver.datagram_envelopes import Envelope, packed, unpacked
from imu_driver.transport import BusyError, LostError, NotFoundError
from imu_driver.udp_addresses import parse_hub_address
from imu_driver.udp_senders import LONGEST_DATAGRAM, UdpSendersTransport, mac_of

LONG_S = 5.0


@pytest.fixture
def transport() -> Iterator[UdpSendersTransport]:
    one = UdpSendersTransport("127.0.0.1", 0)
    one.open()
    yield one
    one.close()


@pytest.fixture
def senders() -> Iterator[list[socket.socket]]:
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
    for one in made:
        one.bind(("127.0.0.1", 0))
        one.settimeout(LONG_S)
    yield made
    for one in made:
        one.close()


def received(transport: UdpSendersTransport, count: int) -> list[Envelope]:
    found: list[Envelope] = []
    while len(found) < count:
        data = transport.read(LONG_S)
        assert data
        for envelope in unpacked(data):
            assert envelope is not None
            found.append(envelope)
    return found


def test_every_sender_is_heard_and_told_apart(transport: UdpSendersTransport, senders: list[socket.socket]) -> None:
    for number, sender in enumerate(senders):
        for part in range(2):
            sender.sendto(bytes((number, part)), transport.address)
    found = received(transport, 6)
    for number, sender in enumerate(senders):
        mine = [e.data for e in found if e.peer == sender.getsockname()]
        assert mine == [bytes((number, 0)), bytes((number, 1))]
    assert all(0.0 <= e.waited_s < LONG_S and not e.to_peer for e in found)


def test_each_gets_what_is_for_it(transport: UdpSendersTransport, senders: list[socket.socket]) -> None:
    pieces = [packed(Envelope(s.getsockname(), bytes((i,)), to_peer=True)) for i, s in enumerate(senders)]
    transport.write(b"".join(pieces))
    assert [s.recv(10) for s in senders] == [b"\0", b"\1", b"\2"]


def test_the_mac_address_of_a_new_sender_goes_before_it(tmp_path: Path, senders: list[socket.socket]) -> None:
    known = tmp_path / "arp"
    known.write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "10.0.0.9         0x1         0x0         00:00:00:00:00:00     *        wlan0\n"
        "10.0.0.8         0x1         0x2         nonsense              *        wlan0\n"
        "127.0.0.1        0x1         0x2         a4:e5:7c:00:00:01     *        wlan0\n"
    )
    transport = UdpSendersTransport("127.0.0.1", 0, neighbours=known)
    transport.open()
    for _ in range(2):
        senders[0].sendto(b"x", transport.address)
    found = received(transport, 3)
    assert [(e.neighbour, e.data) for e in found] == [
        (True, bytes.fromhex("a4e57c000001")),
        (False, b"x"),
        (False, b"x"),
    ]
    assert all(e.peer == senders[0].getsockname() for e in found)
    transport.close()
    assert [mac_of(host, known) for host in ("10.0.0.9", "10.0.0.8", "10.0.0.7")] == [b"", b"", b""]
    assert mac_of("127.0.0.1", tmp_path / "none") == b""


def test_only_those_on_the_list_are_heard(senders: list[socket.socket]) -> None:
    transport = UdpSendersTransport("127.0.0.1", 0, (senders[1].getsockname(), ("192.0.2.7", None)))
    transport.open()
    for sender in senders:
        sender.sendto(b"x", transport.address)
    (found,) = received(transport, 1)
    assert found.peer == senders[1].getsockname()
    for _ in range(100):
        if transport.foreign == 2:
            break
        transport.read(0.05)
    assert transport.foreign == 2
    transport.close()


def test_what_is_too_long_is_foreign(transport: UdpSendersTransport, senders: list[socket.socket]) -> None:
    senders[0].sendto(bytes(LONGEST_DATAGRAM + 1), transport.address)
    senders[0].sendto(bytes(LONGEST_DATAGRAM), transport.address)
    (found,) = received(transport, 1)
    assert len(found.data) == LONGEST_DATAGRAM
    assert transport.foreign == 1


def test_nothing_comes_as_nothing(transport: UdpSendersTransport) -> None:
    assert transport.read(0.0) == b""


def test_who_cannot_be_reached_does_no_harm(transport: UdpSendersTransport) -> None:
    for peer in (("255.255.255.255", 9), ("0.0.0.0", 0), ("127.0.0.1", 9)):
        transport.write(packed(Envelope(peer, b"x", to_peer=True)))
    transport.read(0.0)
    transport.read(0.0)


def test_a_port_that_is_taken_and_names_that_are_none(transport: UdpSendersTransport) -> None:
    with pytest.raises(BusyError, match="another program holds the port"):
        UdpSendersTransport(*transport.address).open()
    with pytest.raises(NotFoundError, match="cannot be resolved"):
        UdpSendersTransport("127.0.0.1", 0, (("no such host.invalid", None),)).open()
    closed = UdpSendersTransport("127.0.0.1", 0)
    with pytest.raises(LostError):
        closed.read(0.0)
    with pytest.raises(LostError):
        closed.write(b"")


def test_lists_of_senders() -> None:
    assert parse_hub_address("") == ()
    assert parse_hub_address("10.0.0.2:*, tracker.local:6969") == (("10.0.0.2", None), ("tracker.local", 6969))
    with pytest.raises(ValueError, match="host:port"):
        parse_hub_address("10.0.0.2:*, here")
