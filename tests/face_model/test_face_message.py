"""Faces as ROS hands them over: every field as rclpy reads and writes it, and garbage refused."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from face_model.face_message import (
    FaceMessage,
    FaceMessageError,
    ReferenceMessage,
    read_face,
    read_reference,
    stamp_s,
)
from face_model.face_state import FaceState

NUMBER = st.floats(-2.0, 2.0, width=32)
ROW = st.lists(NUMBER, min_size=arkit.COUNT, max_size=arkit.COUNT).map(lambda row: np.array(row, dtype=np.float32))
TRUTHS = st.lists(st.booleans(), min_size=arkit.COUNT, max_size=arkit.COUNT).map(lambda row: np.array(row, dtype=bool))
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
HEAD = st.tuples(*4 * [st.floats(allow_nan=False)])
STAMP = {"sec": st.integers(-(2**31), 2**31 - 1), "nanosec": st.integers(0, 2**32 - 1), "frame_id": TEXT}
FACES = st.builds(
    FaceMessage,
    **STAMP,
    sequence=st.integers(0, 2**32 - 1),
    state=st.integers(0, 255),
    weights=ROW,
    confidence=ROW,
    observable=TRUTHS,
    head=HEAD,
    age=NUMBER,
    model=TEXT,
)
REFERENCES = st.builds(
    ReferenceMessage,
    **STAMP,
    source=TEXT,
    number=st.integers(0, 2**64 - 1),
    source_time=st.floats(allow_nan=False),
    face_seen=st.booleans(),
    weights=ROW,
    seen=TRUTHS,
    confidence=ROW,
    head=st.none() | HEAD,
)


def values(message: Any) -> dict[str, Any]:
    """Of a message read here, comparable."""
    found = message._asdict()
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def of_ros(message: Any) -> dict[str, Any]:
    """The same of one of ROS."""
    names = [name for name in message.get_fields_and_field_types() if not name.startswith("head")]
    found = {name: getattr(message, name) for name in names}
    found |= {"sec": message.header.stamp.sec, "nanosec": message.header.stamp.nanosec}
    found["frame_id"] = message.header.frame_id
    q = message.head_orientation
    found["head"] = (q.x, q.y, q.z, q.w) if getattr(message, "head_seen", True) else None
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in found.items()}


def to_ros(found: Any, kind: Any) -> Any:
    """A message of ROS with these fields."""
    message = kind()
    for name in message.get_fields_and_field_types():
        if hasattr(found, name):
            value = getattr(found, name)
            setattr(message, name, value.tolist() if name in ("observable", "seen") else value)
    message.header.stamp.sec, message.header.stamp.nanosec = found.sec, found.nanosec
    message.header.frame_id = found.frame_id
    q = message.head_orientation
    q.x, q.y, q.z, q.w = found.head or (0.0, 0.0, 0.0, 1.0)
    if hasattr(message, "head_seen"):
        message.head_seen = found.head is not None
    return message


@pytest.mark.ros
@given(face=FACES)
def test_a_face_is_what_rclpy_writes_and_reads(face: FaceMessage) -> None:
    messages = pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    rclpy = pytest.importorskip("rclpy.serialization")
    data = rclpy.serialize_message(to_ros(face, messages.FaceBlendshapes))
    assert values(read_face(data)) == values(face)
    assert of_ros(rclpy.deserialize_message(data, messages.FaceBlendshapes)) == values(face)
    assert stamp_s(data) == read_face(data).stamp_s == face.stamp_s


@pytest.mark.ros
@given(reference=REFERENCES)
def test_a_reference_is_what_rclpy_writes_and_reads(reference: ReferenceMessage) -> None:
    messages = pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    rclpy = pytest.importorskip("rclpy.serialization")
    data = rclpy.serialize_message(to_ros(reference, messages.FaceReference))
    assert values(read_reference(data)) == values(reference)
    assert of_ros(rclpy.deserialize_message(data, messages.FaceReference)) == values(reference)


@given(data=st.binary(max_size=700), begin=st.sampled_from([b"", b"\0\1\0\0", b"\0\0\0\0", b"\0\7\0\0"]))
def test_garbage_is_refused_and_nothing_else(data: bytes, begin: bytes) -> None:
    for read in (read_face, read_reference):
        try:
            found = read(begin + data)
        except FaceMessageError:
            continue
        assert len(found.weights) == arkit.COUNT


BODY = (
    struct.pack("<iII", 7, 8, 2) + b"a\0" + bytes(2)
    + struct.pack("<IB", 9, 1) + bytes(3 + 2 * 4 * arkit.COUNT + arkit.COUNT)
    + bytes(4) + struct.pack("<ddddfI", 0.0, 0.0, 0.0, 1.0, 0.25, 2) + b"m\0"
)  # fmt: skip


@given(cut=st.integers(0, len(BODY) + 3))
def test_a_message_that_is_cut_off_is_refused(cut: int) -> None:
    data = b"\0\1\0\0" + BODY
    assert read_face(data).model == "m"
    with pytest.raises(FaceMessageError, match="expected"):
        read_face(data[:cut])


def test_the_other_byte_order_and_the_second_version_are_read() -> None:
    row = np.linspace(0.0, 1.0, arkit.COUNT, dtype=np.float32)
    seen = np.arange(arkit.COUNT) % 2 == 0
    tail = (0.5, 0.5, 0.5, -0.5)
    for begin, order, gap in ((b"\0\0", ">", 8), (b"\0\6", ">", 4), (b"\0\7", "<", 4)):
        body = struct.pack(f"{order}iII", 7, 8, 2) + b"a\0" + bytes(2)
        body += struct.pack(f"{order}IB", 9, 1) + bytes(3)
        body += 2 * row.astype(f"{order}f4").tobytes() + seen.tobytes()
        body += bytes(-len(body) % gap) + struct.pack(f"{order}ddddfI", *tail, 0.25, 2) + b"m\0"
        face = read_face(begin + bytes(2) + body)
        assert (face.sec, face.nanosec, face.frame_id, face.sequence, face.state) == (7, 8, "a", 9, 1)
        assert (face.head, face.age, face.model) == (tail, 0.25, "m")
        np.testing.assert_array_equal(face.weights, row)
        np.testing.assert_array_equal(face.observable, seen)


def test_states_are_those_of_the_message() -> None:
    messages = pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
    for state in FaceState:
        assert getattr(messages.FaceBlendshapes, f"STATE_{state.name}") == state
    assert [state.name for state in FaceState if state.follows] == ["TRACKING", "DEGRADED"]
