"""Live Link Face as a source on a real socket."""

from __future__ import annotations

import socket
from dataclasses import replace

import numpy as np
import pytest

from face_model import arkit
from face_model.livelink_packet import Packet, encode
from face_reference.datagrams import FOREIGN, parse_listen
from face_reference.errors import SourceError
from face_reference.livelink import source as livelink_source
from face_reference.livelink.source import MOST_PHONES, LiveLinkSource


def test_a_frame_has_all_that_the_packet_said(sender: socket.socket, packet: Packet) -> None:
    source = LiveLinkSource(("127.0.0.1", 0))
    source.open()
    sender.sendto(encode(packet), source.address)
    (frame,) = source.read(5.0)
    source.close()
    assert frame.source == "livelink Ana"
    assert (frame.number, frame.source_time_s, frame.face_seen) == (120, pytest.approx(120.5 / 60.0), True)
    np.testing.assert_allclose(frame.weights, np.clip(packet.weights, 0.0, 1.0))
    assert frame.seen.all()
    assert frame.head is not None
    assert np.linalg.norm(frame.head) == pytest.approx(1.0)


def test_a_lost_face_is_told(sender: socket.socket, packet: Packet) -> None:
    source = LiveLinkSource(("127.0.0.1", 0))
    source.open()
    sender.sendto(encode(replace(packet, values=None)), source.address)
    (frame,) = source.read(5.0)
    source.close()
    assert not frame.face_seen
    assert not frame.seen.any()
    assert not frame.weights.any()
    assert frame.head is None


def test_of_two_phones_the_first_is_followed_until_it_is_silent(
    sender: socket.socket, packet: Packet, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = LiveLinkSource(("127.0.0.1", 0))
    source.open()
    other = replace(packet, device="other", subject="Bea")
    for sent in (packet, other, packet):
        sender.sendto(encode(sent), source.address)
    frames = []
    while len(frames) < 2:
        frames += source.read(5.0)
    assert {frame.source for frame in frames} == {"livelink Ana"}
    assert source.rejected["another phone"] == 1
    assert set(source.phones.values()) == {"Ana", "Bea"}
    monkeypatch.setattr(livelink_source, "_SILENT_S", 0.0)
    sender.sendto(encode(other), source.address)
    (frame,) = source.read(5.0)
    assert frame.source == "livelink Bea"
    source.close()


def test_a_named_phone_is_the_only_one_followed(sender: socket.socket, packet: Packet) -> None:
    source = LiveLinkSource(("127.0.0.1", 0), phone="Bea")
    source.open()
    sender.sendto(encode(packet), source.address)
    sender.sendto(encode(replace(packet, device="other", subject="Bea")), source.address)
    frames = source.read(5.0) or source.read(5.0)
    frames = frames or source.read(5.0)
    source.close()
    assert [frame.source for frame in frames] == ["livelink Bea"]


def test_forged_ids_do_not_fill_memory_and_names_are_shown_safely(sender: socket.socket, packet: Packet) -> None:
    source = LiveLinkSource(("127.0.0.1", 0))
    source.open()
    sender.sendto(encode(replace(packet, subject="A\x1b[2J\n" + "x" * 100)), source.address)
    (frame,) = source.read(5.0)
    assert "\x1b" not in frame.source
    assert "\n" not in frame.source
    assert len(frame.source) < 90
    for number in range(3 * MOST_PHONES):
        sender.sendto(encode(replace(packet, device=f"forged{number}")), source.address)
        source.read(5.0)
    assert len(source.phones) == MOST_PHONES
    assert source.rejected["too many phones"] > 0
    source.close()


def test_strangers_are_dropped_and_counted(sender: socket.socket, packet: Packet) -> None:
    source = LiveLinkSource(("127.0.0.1", 0), senders=("192.0.2.0/24",))
    source.open()
    sender.sendto(encode(packet), source.address)
    assert source.read(0.2) == []
    assert source.rejected[FOREIGN] == 1
    source.close()
    allowed = LiveLinkSource(("127.0.0.1", 0), senders=("192.0.2.1", "127.0.0.0/8"))
    allowed.open()
    sender.sendto(encode(packet), allowed.address)
    assert len(allowed.read(5.0)) == 1
    allowed.close()


def test_garbage_is_counted_by_reason_and_what_follows_is_heard(sender: socket.socket, packet: Packet) -> None:
    source = LiveLinkSource(("127.0.0.1", 0))
    source.open()
    for data in (b"", b"\x09abc", encode(packet)[:-3], encode(packet)):
        sender.sendto(data, source.address)
    frames = []
    while not frames:
        frames = source.read(5.0)
    source.close()
    assert len(frames) == 1
    assert source.rejected == {"empty": 1, "version not known": 1, "cut short": 1}


def test_a_port_that_is_taken_is_said_with_what_to_do() -> None:
    first = LiveLinkSource(("127.0.0.1", 0))
    first.open()
    with pytest.raises(SourceError, match="another program holds the port"):
        LiveLinkSource(first.address).open()
    first.close()
    assert first.problem
    assert first.read(0.01) == []


@pytest.mark.parametrize("text", ["", "11111", "host:", ":11111", "0.0.0.0:99999", "0.0.0.0:x"])
def test_no_address_to_listen_on(text: str) -> None:
    with pytest.raises(SourceError, match="HOST:PORT"):
        parse_listen(text)


def test_a_sender_that_is_no_address() -> None:
    with pytest.raises(SourceError, match="senders"):
        LiveLinkSource(senders=("iphone",))


def test_weights_are_in_arkit_order() -> None:
    """The order of Live Link Face's values is that of this package's weights: one that changed would swap shapes."""
    assert arkit.BLENDSHAPES[:3] == ("eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft")
    assert arkit.BLENDSHAPES[-1] == "tongueOut"
