"""The detector on weights made here: what it finds in simulated wear is measured by `imusic bench micro`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_affect.bumps import GRID_S, bump_windows
from face_affect.errors import AffectError
from face_affect.event_noise import load_noise
from face_affect.events import LONGEST_S, EventDetector, EventKind
from face_evaluation.micro import TrueEvent, judge, plain_events, recall_at
from face_model import arkit
from imu_sim.motion import ease

NOISE = load_noise()
SMILE = [arkit.INDEX["mouthSmileLeft"], arkit.INDEX["mouthSmileRight"]]
LIDS = [arkit.INDEX["eyeBlinkLeft"], arkit.INDEX["eyeBlinkRight"]]


def stream(seconds: float = 6.0, rate_hz: float = 100.0, seed: int = 0, noise: float = 0.0005) -> np.ndarray:
    rows = round(seconds * rate_hz)
    return 0.05 + np.random.default_rng(seed).normal(0.0, noise, (rows, arkit.COUNT))


def bump(
    weights: np.ndarray, shapes: list[int], start_s: float, length_s: float, amount: float, rate_hz: float = 100.0
):
    t = np.arange(len(weights)) / rate_hz - start_s
    course = ease(t / (0.45 * length_s)) * (1.0 - ease((t - 0.55 * length_s) / (0.45 * length_s)))
    weights[:, shapes] += amount * course[:, None]
    return weights


def events(weights: np.ndarray, rate_hz: float = 100.0, start_s: float = 0.0):
    detector = EventDetector(NOISE)
    return [e for i, row in enumerate(weights) for e in detector.update(start_s + i / rate_hz, row)]


def test_windows_see_neither_level_nor_slope() -> None:
    windows = bump_windows()
    np.testing.assert_allclose(windows.sum(axis=1), 0.0, atol=1e-12)
    slope = windows @ np.arange(windows.shape[1])
    np.testing.assert_allclose(slope[[0, 2]], 0.0, atol=1.0)


@pytest.mark.parametrize("length_s", [0.08, 0.15, 0.3, 0.48])
@pytest.mark.parametrize("rate_hz", [60.0, 100.0, 200.0])
def test_a_brief_smile_is_told_with_its_times(length_s: float, rate_hz: float) -> None:
    weights = bump(stream(rate_hz=rate_hz), SMILE, 3.0, length_s, 0.4, rate_hz)
    (found,) = events(weights, rate_hz, start_s=1000.0)
    assert found.kind == EventKind.MICRO_EXPRESSION
    assert found.apex_s == pytest.approx(1003.0 + 0.5 * length_s, abs=0.06)
    assert found.onset_s < found.apex_s < found.offset_s
    assert found.duration_s == pytest.approx(length_s, abs=0.15)
    assert 12 in found.codes
    assert found.sides[found.codes.index(12)] == 0
    assert found.confidence >= 0.5


def test_a_smile_that_stays_is_none() -> None:
    weights = stream(10.0)
    t = np.arange(len(weights)) / 100.0
    weights[:, SMILE] += 0.6 * (ease((t - 3.0) / 0.3) * (1.0 - ease((t - 7.0) / 0.3)))[:, None]
    assert not events(weights)


def test_a_blink_is_told_as_a_blink_and_a_wink_as_a_wink() -> None:
    weights = bump(stream(8.0), LIDS, 3.0, 0.25, 0.5)
    weights = bump(weights, LIDS[:1], 5.0, 0.3, 0.5)
    blink, wink = [e for e in events(weights) if e.kind == EventKind.BLINK]
    assert blink.codes == (45,)
    assert blink.apex_s == pytest.approx(3.125, abs=0.05)
    assert (wink.codes, wink.sides) == ((46,), (1,))
    assert not [e for e in events(weights) if e.kind == EventKind.MICRO_EXPRESSION]


def test_what_moves_with_every_blink_is_learned_and_not_told() -> None:
    weights = stream(40.0)
    cheeks = [arkit.INDEX["cheekSquintLeft"], arkit.INDEX["cheekSquintRight"]]
    for start_s in np.arange(3.0, 36.0, 2.5):
        weights = bump(weights, LIDS, start_s, 0.25, 0.5)
        weights = bump(weights, cheeks, start_s, 0.25, 0.02)
    weights = bump(weights, SMILE, 25.5, 0.3, 0.5)  # with a blink, and told all the same
    found = [e for e in events(weights) if e.kind == EventKind.MICRO_EXPRESSION and e.apex_s > 14.0]
    assert len(found) == 1
    assert found[0].apex_s == pytest.approx(25.65, abs=0.06)


def test_a_gap_and_a_clock_that_goes_back_begin_anew() -> None:
    weights = bump(stream(), SMILE, 3.0, 0.2, 0.4)
    detector = EventDetector(NOISE)
    for i, row in enumerate(weights):
        stamp_s = i / 100.0 + (5.0 if i >= 310 else 0.0)  # a gap amid the event
        assert not detector.update(stamp_s, row)
    assert detector.ready
    assert not detector.update(1.0, weights[0])
    assert not detector.ready


def test_what_is_no_number_and_a_frame_twice_are_passed_over() -> None:
    weights = bump(stream(), SMILE, 3.0, 0.2, 0.4)
    detector, found = EventDetector(NOISE), []
    for i, row in enumerate(weights):
        found += detector.update(i / 100.0, row)
        found += detector.update(i / 100.0, row)
        found += detector.update(i / 100.0 + 0.001, np.full(arkit.COUNT, np.nan))
    assert len(found) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(40.0, 240.0))
def test_still_faces_have_no_events_at_any_rate(seed: int, rate_hz: float) -> None:
    assert not events(stream(3.0, rate_hz, seed), rate_hz)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(AffectError, match="shape \\(52,\\)"):
        EventDetector(NOISE).update(0.0, np.zeros(51))


def test_a_file_that_is_no_noise_is_refused(tmp_path) -> None:
    path = tmp_path / "noise.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(AffectError, match="expected noise of facial events"):
        load_noise(path)
    np.savez(path, precision=np.zeros((1, 2, 2)), patterns=np.zeros((1, 2)), codes=[1], sides=[0], model="x")
    with pytest.raises(AffectError, match="expected noise of shape"):
        load_noise(path)


def test_what_was_found_is_judged() -> None:
    weights = bump(stream(12.0), SMILE, 5.0, 0.2, 0.4)
    weights = bump(weights, SMILE, 9.0, 0.2, 0.4)
    true = [TrueEvent(5.0, 5.2, "12", (12,), 0.4), TrueEvent(7.0, 7.2, "4", (4,), 0.4)]
    found = judge(events(weights), true, np.zeros_like(weights), 100.0)
    assert [event is not None for _, event in found.true] == [True, False]
    assert len(found.false) == 1
    assert recall_at([found], 100.0)[0] == 0.5
    assert plain_events(weights, 100.0)


def test_the_grid_is_fine_enough_for_the_shortest() -> None:
    assert GRID_S <= 0.01
    assert LONGEST_S == 0.5
