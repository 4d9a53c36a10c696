"""Whatever bytes come in, intact packets with impossible contents among them, no exception leaves `step`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_model.imu_sample import ImuSample
from imu_driver.hub import ConnectionState
from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.handshake import identity_of

if TYPE_CHECKING:
    from conftest import Rig

CONNECTED, ERROR = ConnectionState.CONNECTED, ConnectionState.ERROR

PLACES = ("skull", "frontalis_left", "mentalis", "", "elbow", "a\0b", "line\nbreak", "ü" * 100)


def u(bits: int) -> st.SearchStrategy[int]:
    """Numbers of so many bits, their ends among them."""
    most = 2**bits - 1
    return st.one_of(st.sampled_from((0, 1, most, most // 2)), st.integers(0, most))


text = st.one_of(st.sampled_from(PLACES), st.text(max_size=20))
units = st.lists(
    st.builds(p.SensorInfo, u(8), text, text, u(16), u(8), u(8)), min_size=1, max_size=64, unique_by=lambda s: s.id
).map(tuple)
known = st.sampled_from(range(12)).map(lambda i: p.SensorInfo(i, "", "", 1024, 8))
hellos = st.builds(
    p.Hello,
    st.sampled_from((1, 2, 2**32 - 1)),
    u(16),
    u(16),
    st.integers(0, 7),
    text,
    text,
    st.one_of(units, st.lists(known, min_size=1, max_size=12, unique_by=lambda s: s.id).map(tuple)),
    u(8),
).filter(lambda hello: len(hello.to_payload()) < p.MAX_PACKET - 6)


@st.composite
def samples(draw: st.DrawFn) -> p.Sample:
    count, fields = draw(st.sampled_from((1, 2, 12, 64))), draw(st.sampled_from((0, 1, 6, 7)))
    width = sum(w for bit, w in ((1, 4), (2, 3), (4, 3)) if fields & bit)
    motion = np.random.default_rng(draw(st.integers(0, 99))).bytes(2 * count * width)
    zero = draw(st.booleans())
    status = draw(st.binary(min_size=count, max_size=count))
    return p.Sample(draw(u(32)), draw(u(64)), fields, status, bytes(len(motion)) if zero else motion)


packets: st.SearchStrategy[p.Packet] = st.one_of(
    hellos,
    samples(),
    st.builds(p.Pong, u(32), u(64)),
    st.builds(p.Pong, st.integers(0, 20), u(64)),
    st.builds(p.Ack, st.integers(0, 12), st.sampled_from((0x81, 0x82, 0x83, 0x84, 0x86)), u(8), text),
    st.builds(p.Start, u(16)),
    st.builds(p.SetRate, u(16), u(16)),
    st.builds(p.Identify, u(16), u(8)),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(packets.map(p.encode), st.binary(max_size=60).map(lambda b: b + b"\0")), max_size=25),
    st.booleans(),
    st.booleans(),
)
def test_no_exception_leaves_a_step(
    make_rig: Callable[..., Rig], pieces: list[bytes], listen_only: bool, connected: bool
) -> None:
    rig = make_rig(listen_only=listen_only)
    if listen_only:
        rig.hub.receive(p.encode(p.Start(1)))
    if connected and not listen_only:
        rig.run_to(CONNECTED)
    rig.session.step()
    for i, piece in enumerate(pieces):
        rig.line.deliver(piece, rig.clock() + 0.005 * i)
    for sample in rig.run(0.5):
        complete(sample)
    rig.session.figures()
    assert "\n" not in rig.session.problem + "".join(rig.session.notices)
    rig.session.close()


def complete(sample: ImuSample) -> None:
    """Nothing impossible leaves the driver."""
    for array in (sample.orientation, sample.angular_velocity, sample.specific_force):
        assert np.isfinite(array).all()
    assert np.isfinite([sample.host_time_s, sample.arrival_s, sample.hub_time_s]).all()


@pytest.mark.parametrize("no_quaternion", [False, True])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda hello: replace(hello, max_rate_hz=0), "a highest rate of 0 Hz"),
        (lambda hello: replace(hello, rate_hz=0), "a rate of 0 Hz"),
        (
            lambda hello: replace(hello, sensors=(replace(hello.sensors[0], gyro_range_dps=0), *hello.sensors[1:])),
            "a gyroscope range of 0 of unit 0 (skull)",
        ),
        (
            lambda hello: replace(hello, sensors=(*hello.sensors[:-1], replace(hello.sensors[-1], accel_range_g=0))),
            "an accelerometer range of 0 of unit 11 (mentalis)",
        ),
    ],
    ids=["no highest rate", "no rate", "no gyroscope range", "no accelerometer range"],
)
def test_a_hello_of_impossible_numbers_is_refused_and_heals(
    rig: Rig, spoil: Callable[[p.Hello], p.Hello], words: str, no_quaternion: bool
) -> None:
    def changed(hello: p.Hello) -> p.Hello:
        return spoil(replace(hello, fields=6) if no_quaternion else hello)

    rig.hub.spoil = changed
    rig.run_to(ERROR)
    assert words in rig.session.problem
    assert "correct the hub's firmware" in rig.session.problem
    rig.run(2.0)
    assert rig.session.state is ERROR
    rig.hub.spoil = lambda hello: hello
    assert rig.run_to(CONNECTED) < 1.2


def test_what_is_impossible_of_an_absent_unit_does_not_matter(rig: Rig) -> None:
    rig.hub.spoil = lambda hello: replace(
        hello, sensors=(*hello.sensors[:-1], replace(hello.sensors[-1], accel_range_g=0, gyro_range_dps=0, flags=0))
    )
    rig.run_to(CONNECTED)
    assert rig.session.report is not None
    assert rig.session.report.silent == ("mentalis (11)",)


def test_a_running_hub_that_says_impossible_numbers_is_refused(rig: Rig) -> None:
    rig.run_to(CONNECTED)
    rig.hub.spoil = lambda hello: replace(hello, boot_id=hello.boot_id + 1, max_rate_hz=0)
    rig.line.deliver(p.encode(rig.hub.hello()))
    assert rig.run_to(ERROR) < 0.1


def test_names_from_the_hub_are_one_printable_line(hello: p.Hello) -> None:
    odd = replace(hello, hub="a\nb", firmware="1\0\x1b[2J", sensors=(p.SensorInfo(0, "x\ty", "Q\r", 1, 1),))
    identity = identity_of(odd, 100)
    assert (identity.name, identity.firmware) == ("a?b", "1??[2J")
    assert (identity.sensors[0].place, identity.sensors[0].part) == ("x?y", "Q?")
