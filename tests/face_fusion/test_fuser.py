"""Properties that hold for any input, and what a hand-over looks like."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_fusion.faces import FusedFace, Picture, SensorFace, State
from face_fusion.fuser import Fuser, FuserParams
from face_fusion.witness import WitnessParams
from face_model import arkit

GAZE, JAW, SMILE = arkit.INDEX["eyeLookInLeft"], arkit.INDEX["jawOpen"], arkit.INDEX["mouthSmileLeft"]
ALL = np.ones(arkit.COUNT, dtype=bool)
LAG_S = 0.06


def motion(time_s: float) -> np.ndarray:
    """A face whose shapes all move by themselves."""
    number = np.arange(arkit.COUNT)
    return 0.3 + 0.25 * np.sin(2.0 * np.pi * (0.3 + 0.013 * number) * time_s + number)


def performed(
    seconds: float = 20.0,
    sensor_hz: float = 100.0,
    camera_hz: float = 60.0,
    sensed: Callable[[float], np.ndarray | None] = motion,
    seen: Callable[[float], np.ndarray | None] = motion,
    lag_s: float = LAG_S,
    fuser: Fuser | None = None,
) -> list[FusedFace]:
    """Faces as they are made; `seen` is None where the camera sends nothing, `sensed` where the sensors do not."""
    fuser = fuser or Fuser({"camera": WitnessParams()})
    events = [(k / sensor_hz, 1) for k in range(round(seconds * sensor_hz))]
    events += [(k / camera_hz + 0.01, 0) for k in range(round(seconds * camera_hz))]
    made = []
    for arrival_s, is_sample in sorted(events):
        if is_sample:
            weights = sensed(arrival_s)
            face = None if weights is None else fuser.sense(SensorFace(arrival_s, weights, np.full(arkit.COUNT, 0.8)))
        else:
            weights = seen(arrival_s - 0.01 - lag_s)
            face = None if weights is None else fuser.see("camera", Picture(arrival_s - 0.01, weights, ALL))
        if face is not None:
            made.append(face)
    return made


weight = st.one_of(st.floats(0.0, 1.2), st.sampled_from([math.nan, math.inf, -1.0, 7.0, 0.0]))
event = st.tuples(
    st.booleans(),
    st.floats(-3.0, 0.2),
    weight,
    weight,
    st.one_of(st.floats(0.0, 1.0), st.just(math.nan)),
    st.sampled_from(list(State)),
    st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(event, max_size=60))
def test_whatever_comes_the_face_is_finite_and_between_its_sources(events) -> None:
    fuser, now_s = Fuser({"camera": WitnessParams()}), 100.0
    for is_sample, step_s, first, second, confidence, state, face_seen in events:
        now_s += step_s if step_s > 0.0 or step_s < -2.9 else 0.02
        weights = np.where(np.arange(arkit.COUNT) % 2, first, second)
        sure = np.full(arkit.COUNT, confidence)
        if is_sample:
            face = fuser.sense(SensorFace(now_s, weights, sure, state))
        else:
            face = fuser.see("camera", Picture(now_s, weights, ALL, face_seen, sure))
        if face is None:
            continue
        assert np.isfinite(face.weights).all()
        assert (face.weights >= 0.0).all()
        assert (face.weights <= 2.0 * (2.0 + 1.2) + 1e-9).all()
        assert ((face.confidence >= 0.0) & (face.confidence <= 1.0)).all()
        assert ((face.shares >= 0.0) & (face.shares.sum(axis=0) <= 1.0 + 1e-9)).all()
        witness = fuser.witnesses["camera"]
        said, _, _ = witness.says(face.time_s, fuser._sensors)
        felt = np.clip(fuser._newest.weights, 0.0, 2.0) if fuser._newest is not None else np.zeros(arkit.COUNT)
        bridge = fuser._step * max(0.0, 1.0 - (face.time_s - fuser._stepped_s) / fuser.params.ease_s)
        room = np.abs(witness.offset_at(face.time_s)) + np.abs(bridge) + 1e-9
        assert (face.weights >= np.minimum(felt, said) - room).all()
        assert (face.weights <= np.maximum(felt, said) + room).all()


def test_sensors_alone_are_passed_on_as_they_are() -> None:
    made = performed(1.0, seen=lambda _: None)
    assert len(made) == 100
    for face in made:
        np.testing.assert_allclose(face.weights, motion(face.time_s), atol=1e-12)
        np.testing.assert_allclose(face.confidence, 0.8)
        assert face.state is State.TRACKING


def test_every_sample_is_answered_at_once_with_its_own_stamp() -> None:
    made = performed(2.0)
    np.testing.assert_allclose([face.time_s for face in made], np.arange(200) / 100.0)


def test_a_late_camera_is_carried_on_by_what_the_sensors_felt() -> None:
    """The camera is right and late, the sensors have half the motion: the face is closer to the truth than either."""
    made = performed(30.0, sensed=lambda t: 0.5 * motion(t) + 0.15)[-1000:]
    shapes = [JAW, SMILE]

    def error(of: Callable[[FusedFace], np.ndarray]) -> float:
        return float(np.mean([np.abs(of(face) - motion(face.time_s))[shapes] for face in made]))

    fused = error(lambda face: face.weights)
    assert fused < error(lambda face: 0.5 * motion(face.time_s) + 0.15)
    assert fused < 1.2 * error(lambda face: motion(face.time_s - LAG_S - 0.01))


@pytest.mark.parametrize("lag_s", [0.03, 0.1, 0.16])
def test_the_lag_is_found(lag_s: float) -> None:
    fuser = Fuser({"camera": WitnessParams()})
    performed(40.0, lag_s=lag_s, fuser=fuser)
    estimate = fuser.witnesses["camera"].lag.estimate
    assert estimate.told
    assert estimate.lag_s == pytest.approx(lag_s, abs=0.012)


def test_the_camera_has_gaze_and_the_sensors_what_they_see_well() -> None:
    face = performed(10.0)[-1]
    assert face.shares[0, GAZE] > 0.8
    assert face.shares[0, JAW] < face.shares[0, GAZE]
    assert face.measured[GAZE]


def test_a_hand_over_does_not_jump() -> None:
    """The camera lies 0.15 over the sensors; it goes, and comes back: no step is larger than its ease asks for."""

    def seen(time_s: float) -> np.ndarray | None:
        return None if 10.0 <= time_s < 14.0 else motion(time_s) + 0.15

    made = performed(20.0, seen=seen, fuser=Fuser({"camera": WitnessParams(find_lag=False)}, FuserParams(0.4)))
    steps = np.abs(np.diff([face.weights for face in made], axis=0))[300:]
    own = np.abs(np.diff([motion(k / 100.0) for k in range(2000)], axis=0)).max() * 100.0 / 60.0
    assert steps.max() < own + 0.15 * 0.01 / 0.4 + 0.02


def test_a_camera_that_repeats_its_picture_is_frozen_while_the_sensors_move() -> None:
    fuser = Fuser({"camera": WitnessParams()})
    performed(14.0, seen=lambda t: motion(min(t, 10.0)), fuser=fuser)
    assert fuser.witnesses["camera"].condition == "frozen"
    still = Fuser({"camera": WitnessParams()})
    performed(14.0, sensed=lambda t: motion(min(t, 10.0)), seen=lambda t: motion(min(t, 10.0)), fuser=still)
    assert still.witnesses["camera"].condition == "seen"


def test_a_covered_mouth_is_doubted_and_the_brows_are_not() -> None:
    rng = np.random.default_rng(0)
    anything = rng.random((400, arkit.COUNT))
    mouth = np.array([not name.startswith(("eye", "brow", "cheekSquint")) for name in arkit.BLENDSHAPES])

    def seen(time_s: float) -> np.ndarray:
        other = anything[int(max(time_s, 0.0) * 5.0) % 400]
        return np.where(mouth & (time_s > 15.0), other, motion(time_s))

    fuser = Fuser({"camera": WitnessParams()})
    face = performed(20.0, seen=seen, fuser=fuser)[-1]
    eyes, mouths, brows = fuser.witnesses["camera"].trusted
    assert mouths < 0.1
    assert min(eyes, brows) > 0.7
    assert face.shares[0, JAW] < 0.1
    np.testing.assert_allclose(face.weights[JAW], motion(face.time_s)[JAW], atol=0.05)


def test_without_sensors_the_camera_makes_the_face_with_its_own_stamps() -> None:
    made = performed(5.0, sensed=lambda t: motion(t) if t < 2.0 else None)
    later = [face for face in made if face.time_s > 3.0]
    assert len(later) > 100
    assert later[-1].state is State.DEGRADED
    np.testing.assert_allclose(later[-1].weights, motion(later[-1].time_s - LAG_S), atol=0.06)
    stamps = [face.time_s for face in made]
    assert stamps == sorted(stamps)


def test_sensors_that_fall_silent_and_come_back_leave_no_jump() -> None:
    """The camera lies 0.15 over the sensors, and takes over 0.2 s after them."""
    fuser = Fuser({"camera": WitnessParams(find_lag=False)}, FuserParams(0.4))
    made = performed(
        14.0,
        sensed=lambda t: None if 8.0 < t < 11.0 else motion(t),
        seen=lambda t: motion(t) + 0.15,
        fuser=fuser,
    )
    times_s = np.array([face.time_s for face in made])
    steps = np.abs(np.diff([face.weights for face in made], axis=0)).max(axis=1)
    around = (times_s[1:] > 7.9) & (times_s[1:] < 12.0)
    own = np.abs(np.diff([motion(k / 60.0) for k in range(1000)], axis=0)).max()
    # What was not shown for 0.2 s is caught up with in 0.4 s.
    assert steps[around].max() < 3.0 * own
    after = times_s > 9.0
    apart = [np.abs(face.weights - motion(face.time_s)).max() for face in made if 8.8 < face.time_s < 11.0]
    assert after.any()
    assert max(apart) < 0.3, "the bridge has eased away"


def test_sensors_that_come_back_take_over_again() -> None:
    made = performed(10.0, sensed=lambda t: None if 3.0 < t < 6.0 else motion(t))
    assert made[-1].state is State.TRACKING
    assert made[-1].time_s == pytest.approx(9.99)


def test_both_gone_is_stale() -> None:
    fuser = Fuser({"camera": WitnessParams()})
    performed(3.0, fuser=fuser)
    face = fuser.sense(SensorFace(4.0, motion(4.0), np.full(arkit.COUNT, 0.3), State.STALE))
    assert face is not None
    assert face.state is State.STALE
    # The estimator says the last face again and again, with its stamp.
    again = SensorFace(4.0, motion(4.0), np.full(arkit.COUNT, 0.3), State.STALE)
    assert fuser.sense(again, clock_s=4.5) is not None


def test_time_that_goes_back_begins_anew() -> None:
    fuser = Fuser({"camera": WitnessParams()})
    performed(5.0, fuser=fuser)
    assert fuser.sense(SensorFace(4.5, motion(4.5), np.full(arkit.COUNT, 0.8))) is None
    again = performed(5.0, fuser=fuser)
    assert fuser.restarts == 1
    assert len(again) == 500
    assert np.isfinite(again[-1].weights).all()


@pytest.mark.parametrize(("sensor_hz", "camera_hz"), [(50.0, 60.0), (200.0, 60.0), (100.0, 30.0)])
def test_rates_do_not_matter(sensor_hz: float, camera_hz: float) -> None:
    def sensed(time_s: float) -> np.ndarray:
        return 0.6 * motion(time_s) + 0.1

    usual = {round(face.time_s, 3): face.weights for face in performed(15.0, sensed=sensed)}
    other = {round(f.time_s, 3): f.weights for f in performed(15.0, sensor_hz, camera_hz, sensed=sensed)}
    both = sorted(t for t in usual.keys() & other.keys() if t > 5.0)
    assert len(both) > 400
    apart = np.abs([usual[t] - other[t] for t in both])
    assert apart.mean() < 0.02


def test_neutral_while_it_is_learned_is_no_measurement() -> None:
    fuser = Fuser({"camera": WitnessParams()})
    for k in range(100):
        fuser.see("camera", Picture(0.01 * k, np.full(arkit.COUNT, 0.5), ALL))
        face = fuser.sense(SensorFace(0.01 * k + 0.001, np.zeros(arkit.COUNT), np.ones(arkit.COUNT), State.CALIBRATING))
    assert face is not None
    assert face.weights[JAW] > 0.4
    assert face.state is State.DEGRADED
    assert not fuser.witnesses["camera"].offset.any()


def test_a_source_that_tells_its_confidence_is_weighed_by_it() -> None:
    def share(confidence: float) -> float:
        fuser = Fuser({"camera": WitnessParams()})
        for k in range(300):
            time_s = 0.01 * k
            sure = np.full(arkit.COUNT, confidence)
            fuser.see("camera", Picture(time_s, motion(time_s - LAG_S), ALL, True, sure))
            face = fuser.sense(SensorFace(time_s + 0.005, motion(time_s + 0.005), np.full(arkit.COUNT, 0.8)))
        assert face is not None
        return float(face.shares[0, SMILE])

    assert share(0.95) > share(0.5) > share(0.2)


def test_a_source_that_tells_of_the_mouth_moves_the_mouth_only() -> None:
    """As a voice would: it measures some shapes, says how sure it is, and is silent at times."""
    fuser = Fuser({"camera": WitnessParams(), "speech": WitnessParams()})
    seen = np.zeros(arkit.COUNT, dtype=bool)
    seen[JAW] = True
    for k in range(400):
        time_s = 0.01 * k
        if k % 2 == 0:
            fuser.see("speech", Picture(time_s, motion(time_s), seen, True, np.full(arkit.COUNT, 0.6)))
        face = fuser.sense(SensorFace(time_s + 0.005, np.full(arkit.COUNT, 0.3), np.full(arkit.COUNT, 0.4)))
    assert face is not None
    assert face.shares[1, JAW] > 0.3
    np.testing.assert_allclose(np.delete(face.weights, JAW), 0.3, atol=1e-9)
    assert fuser.witnesses["camera"].condition == "silent"


@pytest.mark.parametrize("stamp_s", [math.nan, math.inf])
def test_stamps_that_are_none_are_refused(stamp_s: float) -> None:
    fuser = Fuser({"camera": WitnessParams()})
    assert fuser.sense(SensorFace(stamp_s, motion(0.0), np.full(arkit.COUNT, 0.5))) is None
    assert fuser.see("camera", Picture(stamp_s, motion(0.0), ALL)) is None
    assert fuser.refused == 1
    assert fuser.witnesses["camera"].refused == 1


def test_what_nobody_wants_is_made_seldom_and_learned_all_the_same() -> None:
    """Half a minute without a listener, then one comes: the face is what it would have been."""
    made: dict[bool, list[FusedFace]] = {}
    lags, pictures = {}, {}
    for always in (True, False):
        fuser = Fuser({"camera": WitnessParams()})
        faces: list[FusedFace] = []
        events = [(k / 100.0, 1) for k in range(3200)] + [(k / 60.0 + 0.01, 0) for k in range(1920)]
        for arrival_s, is_sample in sorted(events):
            if is_sample:
                sample = SensorFace(arrival_s, motion(arrival_s), np.full(arkit.COUNT, 0.8))
                face = fuser.sense(sample, wanted=always or arrival_s > 30.0)
            else:
                shown = motion(arrival_s - 0.01 - LAG_S) + 0.05
                face = fuser.see("camera", Picture(arrival_s - 0.01, shown, ALL), always or arrival_s > 30.0)
            if face is not None:
                faces.append(face)
        camera = fuser.witnesses["camera"]
        made[always], lags[always], pictures[always] = faces, camera.lag_s, camera.pictures
    idle = [face for face in made[False] if face.time_s <= 30.0]
    assert 8 * 30 <= len(idle) <= 12 * 30
    assert abs(pictures[True] / pictures[False] - 2.0) < 0.2
    assert lags[False] == pytest.approx(lags[True], abs=0.002)
    after = [[face for face in made[always] if face.time_s > 30.2] for always in (True, False)]
    assert len(after[0]) == len(after[1])
    for one, other in zip(*after, strict=True):
        np.testing.assert_allclose(one.weights, other.weights, atol=0.01)
