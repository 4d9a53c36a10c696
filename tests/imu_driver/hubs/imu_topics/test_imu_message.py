"""Messages of other drivers, from bytes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imu_bytes import imu_bytes
from imu_driver.hubs.imu_topics.imu_message import ImuMessageError, imu_message
from imu_driver.message_pieces import Piece, PieceError, packed, unpacked

WHOLE = st.floats(-50.0, 50.0)


@given(
    st.integers(0, 2**31 * 10**9 - 1),
    st.tuples(WHOLE, WHOLE, WHOLE),
    st.tuples(WHOLE, WHOLE, WHOLE),
    st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=40),
    st.sampled_from("<>"),
)
def test_what_was_sent_is_read(
    stamp_ns: int, rate: tuple[float, ...], force: tuple[float, ...], frame: str, order: str
) -> None:
    message = imu_message(imu_bytes(stamp_ns, rate, force, (0.5, -0.5, 0.5, 0.5), frame, order=order))
    assert (message.stamp_ns, message.frame_id) == (stamp_ns, frame)
    assert (message.angular_velocity, message.specific_force) == (rate, force)
    assert message.orientation == (0.5, -0.5, 0.5, 0.5)


def test_what_the_middleware_serializes_is_read() -> None:
    serialization = pytest.importorskip("rclpy.serialization", reason="needs ROS 2: run `make test`")
    from sensor_msgs.msg import Imu

    sent = Imu()
    sent.header.stamp.sec, sent.header.stamp.nanosec, sent.header.frame_id = 12, 345, "a_frame"
    sent.orientation.x, sent.orientation.w = 0.6, 0.8
    sent.angular_velocity.y, sent.linear_acceleration.z = -1.5, 9.75
    sent.linear_acceleration_covariance[8] = 0.25
    data = serialization.serialize_message(sent)
    message = imu_message(data)
    assert (message.stamp_ns, message.frame_id) == (12_000_000_345, "a_frame")
    assert message.orientation == (0.6, 0.0, 0.0, 0.8)
    assert message.angular_velocity == (0.0, -1.5, 0.0)
    assert message.specific_force == (0.0, 0.0, 9.75)
    assert len(imu_bytes(12_000_000_345, frame_id="a_frame")) == len(data), "the tests' own bytes are as long"


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_minus_one_says_that_there_is_none(missing: int) -> None:
    covariances = [0.0, 0.0, 0.0]
    covariances[missing] = -1.0
    message = imu_message(imu_bytes(1, covariances=covariances))
    found = (message.orientation, message.angular_velocity, message.specific_force)
    assert [one is None for one in found] == [i == missing for i in range(3)]


def test_an_orientation_of_zeros_is_none() -> None:
    assert imu_message(imu_bytes(1, orientation=(0.0, 0.0, 0.0, 0.0))).orientation is None


@given(st.binary(max_size=500))
@settings(max_examples=500)
def test_other_bytes_are_refused_and_never_anything_else(data: bytes) -> None:
    with suppress(ImuMessageError):
        imu_message(data)


@given(st.integers(0, len(imu_bytes(1)) - 1))
def test_a_message_that_is_cut_short_is_refused(size: int) -> None:
    with pytest.raises(ImuMessageError, match="expected"):
        imu_message(imu_bytes(1)[:size])


@given(
    st.lists(
        st.builds(Piece, st.integers(0, 255), st.floats(0, 1e9), st.integers(-(2**62), 2**62), st.binary(min_size=1))
    )
)
def test_pieces_come_back_as_they_were(pieces: list[Piece]) -> None:
    assert list(unpacked(b"".join(packed(piece) for piece in pieces))) == pieces


@given(st.binary(max_size=200))
def test_what_is_no_piece_is_refused(data: bytes) -> None:
    with suppress(PieceError):
        for piece in unpacked(data):
            assert piece.data
