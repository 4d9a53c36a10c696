from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import rotation
from imu_driver.hubs.slimevr import packets as p

HEAD = struct.Struct(">IQ")
MAC = bytes.fromhex("a4e57c000001")


def rotation_data(sensor: int = 1, kind: int = 1) -> bytes:
    return struct.pack(">BB4fB", sensor, kind, 0.0, 0.6, 0.0, 0.8, 3)


def test_a_rotation() -> None:
    number, found = p.decode(HEAD.pack(17, 41) + rotation_data())
    assert number == 41
    (packet,) = found
    assert isinstance(packet, p.Rotation)
    assert packet.sensor == 1
    assert packet.orientation == pytest.approx((0.0, 0.6, 0.0, 0.8))


def test_a_correction_is_no_orientation() -> None:
    assert p.decode(HEAD.pack(17, 1) + rotation_data(kind=2))[1] == [p.Nothing()]


def test_an_acceleration_with_and_without_its_sensor() -> None:
    body = struct.pack(">3f", 1.0, -2.0, 0.5)
    assert p.decode(HEAD.pack(4, 7) + body + b"\x01")[1] == [p.Acceleration(1, (1.0, -2.0, 0.5))]
    assert p.decode(HEAD.pack(4, 7) + body)[1] == [p.Acceleration(0, (1.0, -2.0, 0.5))]


def test_the_orientations_of_old_firmware() -> None:
    body = struct.pack(">4f", 0.0, 0.0, 0.0, 1.0)
    assert p.decode(HEAD.pack(1, 7) + body)[1] == [p.Rotation(0, (0.0, 0.0, 0.0, 1.0))]
    assert p.decode(HEAD.pack(16, 7) + body)[1] == [p.Rotation(1, (0.0, 0.0, 0.0, 1.0))]


def test_both_in_whole_numbers() -> None:
    _, found = p.decode(HEAD.pack(23, 7) + struct.pack(">B7h", 2, 0, 0, 0, 32767, 128, -256, 0))
    assert found == [p.Rotation(2, (0.0, 0.0, 0.0, 32767 / 32768)), p.Acceleration(2, (1.0, -2.0, 0.0))]


@pytest.mark.parametrize("compact", [False, True])
def test_a_bundle(compact: bool) -> None:
    inner = [(17, rotation_data(0)), (4, struct.pack(">3fB", 1.0, 2.0, 3.0, 0)), (0, b"")]
    if compact:
        body = b"".join(struct.pack(">BB", len(b) + 1, k) + b for k, b in inner)
        data = HEAD.pack(101, 5) + body
    else:
        data = HEAD.pack(100, 5) + b"".join(struct.pack(">HI", len(b) + 4, k) + b for k, b in inner)
    number, found = p.decode(data)
    assert number == 5
    assert [type(packet) for packet in found] == [p.Rotation, p.Acceleration, p.Nothing]


def test_a_handshake() -> None:
    body = struct.pack(">7IB", 9, 4, 2, 0, 0, 0, 22, 5) + b"0.6.2" + MAC + b"\0\x07SlimeVR"
    assert p.decode(HEAD.pack(3, 0) + body) == (0, [p.Handshake("a4:e5:7c:00:00:01", "0.6.2", 22, 4)])


def test_a_handshake_that_says_nothing_is_one() -> None:
    assert p.decode(HEAD.pack(3, 0))[1] == [p.Handshake("", "", 0, 0)]
    nobody = struct.pack(">7IB", 0, 0, 0, 0, 0, 0, 0, 4) + b"a\nb\xff" + bytes(6)
    assert p.decode(HEAD.pack(3, 0) + nobody)[1] == [p.Handshake("", "a?b?", 0, 0)]


def test_what_is_said_of_a_sensor_and_its_answer() -> None:
    _, found = p.decode(HEAD.pack(15, 3) + bytes((1, 2, 10, 0, 0, 1, 0, 0)))
    assert found == [p.SensorInfo(1, p.BROKEN, 10)]
    assert p.sensor_info_answer(p.SensorInfo(1, p.BROKEN, 10)) == bytes((0, 0, 0, 15, 1, 2))
    assert p.part_name(10) == "ICM42688"
    assert p.part_name(250) == "part 250"


def test_battery_signal_temperature() -> None:
    assert p.decode(HEAD.pack(12, 3) + struct.pack(">2f", 3.7, 0.5))[1] == [p.Status(battery=0.5)]
    assert p.decode(HEAD.pack(12, 3) + struct.pack(">2f", 0.0, 0.0))[1] == [p.Status()]
    assert p.decode(HEAD.pack(12, 3) + struct.pack(">f", 0.25))[1] == [p.Status(battery=0.25)]
    assert p.decode(HEAD.pack(19, 3) + struct.pack(">Bb", 255, -61))[1] == [p.Status(signal_dbm=-61)]
    assert p.decode(HEAD.pack(20, 3) + struct.pack(">Bf", 0, 31.5))[1] == [p.Status(temperature_c=31.5)]


def test_what_a_server_sends() -> None:
    assert p.HANDSHAKE_ANSWER == b"\x03Hey OVR =D 5"
    assert bytes((0, 0, 0, 1)) + bytes(8) == p.HEARTBEAT_QUESTION
    assert bytes((0, 0, 0, 22)) + bytes(8) + b"\x01" == p.FEATURES_ANSWER
    assert p.ping(7) == bytes((0, 0, 0, 10)) + bytes(8) + bytes((0, 0, 0, 7))
    assert p.decode(p.ping(7)) == (0, [p.Ping(7)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "short"),
        (bytes(11), "short"),
        (HEAD.pack(17, 1) + bytes(5), "malformed"),
        (HEAD.pack(4, 1) + bytes(11), "malformed"),
        (HEAD.pack(15, 1), "malformed"),
        (HEAD.pack(99, 1), "unknown_type"),
        (HEAD.pack(0xFFFFFFFF, 1), "unknown_type"),
        (HEAD.pack(100, 1) + b"\xff\xff" + bytes(40), "malformed"),
        (HEAD.pack(100, 1) + b"\x00", "malformed"),
        (HEAD.pack(100, 1) + bytes(2 * 400), "malformed"),
    ],
)
def test_what_no_tracker_sends(data: bytes, reason: str) -> None:
    with pytest.raises(p.PacketError) as error:
        p.decode(data)
    assert error.value.reason == reason


def test_bundles_do_not_nest() -> None:
    inner = HEAD.pack(100, 0)
    for kind in (3, 100, 101):
        body = struct.pack(">HI", 4 + len(inner), kind) + inner
        assert p.decode(HEAD.pack(100, 1) + body)[1] == []


KINDS = st.sampled_from([0, 1, 3, 4, 10, 12, 15, 16, 17, 19, 20, 22, 23, 100, 101, 105, 200])


@given(
    st.binary(max_size=300)
    | st.builds(lambda k, n, b: HEAD.pack(k, n) + b, KINDS, st.integers(0, 2**64 - 1), st.binary(max_size=300))
)
def test_any_bytes_are_packets_or_refused(data: bytes) -> None:
    reason = ""
    try:
        number, found = p.decode(data)
        assert 0 <= number < 2**64
        assert len(found) <= 2 * p.MOST_IN_BUNDLE
    except p.PacketError as error:
        reason = error.reason
    assert reason in ("", "short", "unknown_type", "malformed")


# Axes: the firmware's orientation turns the board's axes into an earth frame with z up, as ours does, and its
# acceleration is what the accelerometer measured less gravity by that orientation, in the board's axes.


def test_a_board_that_lies_measures_up_on_z() -> None:
    assert p.specific_force((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)) == pytest.approx((0.0, 0.0, 9.80665))


def test_a_board_that_stands_with_x_up_measures_up_on_x() -> None:
    # Turned by -90 degrees about y: its x axis points up.
    quaternion = (0.0, -math.sqrt(0.5), 0.0, math.sqrt(0.5))
    up = rotation.rotate(np.array(quaternion), np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(up, [0.0, 0.0, 1.0], atol=1e-12)
    assert p.specific_force((0.0, 0.0, 0.0), quaternion) == pytest.approx((9.80665, 0.0, 0.0), abs=1e-9)


@given(st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4), st.lists(st.floats(-20.0, 20.0), min_size=3, max_size=3))
def test_the_measured_force_comes_back(numbers: list[float], measured: list[float]) -> None:
    size = math.hypot(*numbers)
    if size < 0.1:
        return
    quaternion = np.array(numbers) / size
    gravity = rotation.rotate(rotation.conjugate(quaternion), np.array([0.0, 0.0, 9.80665]))
    linear = np.array(measured) - gravity
    force = p.specific_force(tuple(linear.tolist()), tuple(quaternion.tolist()))  # type: ignore[arg-type]
    np.testing.assert_allclose(force, measured, atol=1e-9)
