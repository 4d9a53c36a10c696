"""OSC decoded, and VMC and plain ARKit names as a source."""

from __future__ import annotations

import contextlib
import socket
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from face_model.osc import OscError, OscMessage, decode
from face_reference.vmc import VmcSource

JAW, BLINK = arkit.INDEX["jawOpen"], arkit.INDEX["eyeBlinkLeft"]


def padded(text: str) -> bytes:
    data = text.encode() + b"\0"
    return data + bytes(-len(data) % 4)


def message(address: str, *arguments: object) -> bytes:
    tags, data = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            tags, data = tags + "s", data + padded(argument)
        elif isinstance(argument, int):
            tags, data = tags + "i", data + struct.pack(">i", argument)
        else:
            tags, data = tags + "f", data + struct.pack(">f", argument)
    return padded(address) + padded(tags) + data


def bundle(*parts: bytes, tag: int = 1) -> bytes:
    return b"#bundle\0" + struct.pack(">Q", tag) + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def face(weights: dict[str, float], *more: bytes) -> bytes:
    shapes = [message("/VMC/Ext/Blend/Val", name, weight) for name, weight in weights.items()]
    return bundle(*more, *shapes, message("/VMC/Ext/Blend/Apply"))


@pytest.fixture
def source() -> VmcSource:
    opened = VmcSource(("127.0.0.1", 0))
    opened.open()
    yield opened
    opened.close()


def test_messages_bundles_and_their_times() -> None:
    assert decode(message("/a", 1, 0.5, "text")) == [OscMessage("/a", (1, 0.5, "text"))]
    assert decode(padded("/old")) == [OscMessage("/old", ())]
    unix_s = 1_764_340_000.25
    tag = int((unix_s + 2_208_988_800) * 2**32)
    inner = bundle(message("/b"))
    (first, second) = decode(bundle(message("/a"), inner, tag=tag))
    assert (first.address, first.time_s) == ("/a", pytest.approx(unix_s))
    assert (second.address, second.time_s) == ("/b", pytest.approx(unix_s))


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    for datagram in (data, b"#bundle\0" + data, b"/a\0\0," + data):
        with contextlib.suppress(OscError):
            decode(datagram)


def test_bombs_are_refused() -> None:
    deep = message("/a")
    for _ in range(6):
        deep = bundle(deep)
    with pytest.raises(OscError, match="too deep"):
        decode(deep)
    with pytest.raises(OscError, match="too many messages"):
        decode(bundle(*[padded("/a")] * 2000))
    with pytest.raises(OscError, match="too many arguments"):
        decode(padded("/a") + padded("," + "T" * 1000))
    with pytest.raises(OscError, match="cut short"):
        decode(b"#bundle\0" + bytes(7) + b"\1" + struct.pack(">i", 2**31 - 4))


def test_a_picture_is_what_stands_before_apply(source: VmcSource, sender: socket.socket) -> None:
    sent = face({"jawOpen": 0.5, "EyeBlinkLeft": 1.05, "Joy": 1.0}, message("/VMC/Ext/T", 12.5))
    sender.sendto(sent, source.address)
    (frame,) = source.read(5.0)
    assert frame.source == "vmc 127.0.0.1"
    assert frame.source_time_s == 12.5
    assert (frame.weights[JAW], frame.weights[BLINK]) == (0.5, 1.0)
    assert sorted(np.flatnonzero(frame.seen)) == sorted([JAW, BLINK])
    assert source.passed_over["no ARKit name"] == 1


def test_a_picture_may_come_in_several_datagrams(source: VmcSource, sender: socket.socket) -> None:
    for data in (
        message("/VMC/Ext/Blend/Val", "jawOpen", 0.25),
        message("/VMC/Ext/Blend/Val", "mouthSmile_L", 0.75),
        message("/VMC/Ext/Blend/Apply"),
    ):
        sender.sendto(data, source.address)
    frames = []
    while not frames:
        frames = source.read(5.0)
    (frame,) = frames
    assert frame.weights[JAW] == 0.25
    assert frame.weights[arkit.INDEX["mouthSmileLeft"]] == 0.75


def test_a_lost_face_is_told(source: VmcSource, sender: socket.socket) -> None:
    sender.sendto(face({"jawOpen": 0.5}, message("/VMC/Ext/OK", 1, 3, 0, 0)), source.address)
    (frame,) = source.read(5.0)
    assert not frame.face_seen
    assert not frame.seen.any()


def test_plain_names_in_one_datagram_and_in_many(source: VmcSource, sender: socket.socket) -> None:
    sender.sendto(bundle(*[message(f"/{name}", 0.125) for name in arkit.BLENDSHAPES]), source.address)
    (frame,) = source.read(5.0)
    assert frame.source == "osc 127.0.0.1"
    assert frame.seen.all()
    np.testing.assert_array_equal(frame.weights, np.float32(0.125))
    for value in (50.0, 25.0):
        sender.sendto(message("/face/jawOpen", value), source.address)
        sender.sendto(message("/face/eyeBlink_L", value), source.address)
    frames = []
    while not frames:
        frames = source.read(5.0)
    assert frames[0].weights[JAW] == 0.5  # per cent; complete when a name came again
    assert frames[0].weights[BLINK] == 0.5


def test_hostile_values_are_refused(source: VmcSource, sender: socket.socket) -> None:
    sender.sendto(
        bundle(
            message("/VMC/Ext/Blend/Val", "jawOpen", float("nan")),
            message("/VMC/Ext/Blend/Val", "jawOpen", 1e30),
            message("/VMC/Ext/Blend/Val", "jawOpen", "wide"),
            message("/VMC/Ext/Blend/Val"),
            message("/VMC/Ext/Blend/Val", "jawOpen" * 100, 0.5),
            message("/VMC/Ext/T", "noon"),
            message("/VMC/Ext/Blend/Apply"),
            message("/VMC/Ext/Blend/Val", "jawOpen", 0.5),
            message("/VMC/Ext/Blend/Apply"),
        ),
        source.address,
    )
    sender.sendto(b"\xff" * 8, source.address)
    (frame,) = source.read(5.0)
    assert frame.weights[JAW] == 0.5
    source.read(0.2)
    assert source.rejected["value out of bounds"] == 3
    assert source.rejected.total() == 4
