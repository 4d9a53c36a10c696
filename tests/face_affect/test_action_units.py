from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from face_affect.action_units import (
    BOTH_AT_ONCE,
    CODES,
    INTENSITY,
    NAMES,
    READ,
    UNITS,
    action_units,
    leading,
    letter,
)
from face_affect.errors import AffectError
from face_model import arkit
from imu_sim.performance.action_units import weights_of

WEIGHTS = arrays(np.float64, arkit.COUNT, elements=st.floats(-0.2, 1.3))
SHARES = arrays(np.float64, arkit.COUNT, elements=st.floats(0.0, 1.0))

LEADS = {
    "eyeBlink": 43, "eyeSquint": 7, "eyeWide": 5, "eyeLookUp": 63, "eyeLookDown": 64, "jawForward": 29, "jaw": 30,
    "mouthClose": 8, "mouthFunnel": 22, "mouthPucker": 18, "mouthSmile": 12, "mouthFrown": 15, "mouthDimple": 14,
    "mouthStretch": 20, "mouthRollLower": 28, "mouthRollUpper": 28, "mouthShrugLower": 17, "mouthShrugUpper": 17,
    "mouthPress": 24, "mouthLowerDown": 16, "mouthUpperUp": 10, "browDown": 4, "browInnerUp": 1, "browOuterUp": 2,
    "cheekPuff": 34, "cheekSquint": 6, "noseSneer": 9, "tongueOut": 19,
}  # fmt: skip
"""Unit that should lead when a shape moves alone."""


def of(**weights: float) -> np.ndarray:
    return weights_of(weights)


@pytest.mark.parametrize("unit", [u for u in UNITS if u.lead], ids=lambda u: str(u.code))
def test_a_unit_drawn_alone_is_read_back(unit: object) -> None:
    found = action_units(weights_of(unit.shapes))  # type: ignore[attr-defined]
    code = unit.code  # type: ignore[attr-defined]
    others = [c for c in READ if c not in (code, 25, 26, 27)]
    assert found.intensity[code] == pytest.approx(1.0)
    np.testing.assert_allclose(found.intensity[others], 0.0, atol=1e-9)
    assert found.intensity[0] == pytest.approx(0.0 if code < 60 else 1.0), "gaze leaves a face neutral"
    assert int(leading(found.intensity)) == code


@pytest.mark.parametrize(("shape", "code"), LEADS.items())
@pytest.mark.parametrize("amount", [0.3, 0.9])
def test_the_unit_that_should_lead_leads(shape: str, code: int, amount: float) -> None:
    both = action_units(of(**{shape: amount}))
    assert int(leading(both.intensity)) == code
    if f"{shape}Left" in arkit.INDEX:
        one = action_units(of(**{f"{shape}Left": amount}))
        assert int(leading(one.intensity)) == code
        assert one.asymmetry[code] == pytest.approx(one.intensity[code]), "right side shows nothing"
        np.testing.assert_allclose(one.intensity[code], both.intensity[code])


def test_a_jaw_drops_and_then_stretches() -> None:
    found = action_units(np.stack([of(jawOpen=w) for w in np.linspace(0.05, 1.0, 20)]))
    assert set(leading(found.intensity)[:7]) == {26}
    assert leading(found.intensity)[-1] == 27
    total = found.intensity[:, 26] + found.intensity[:, 27]
    assert (total > 0.12).all()
    assert (total <= 1.0 + 1e-9).all()


def test_lips_that_stay_together_over_an_open_jaw_are_not_parted() -> None:
    found = action_units(of(jawOpen=0.5, mouthClose=0.5))
    assert found.intensity[25] == 0.0
    assert found.intensity[8] > 0.5


def test_pressed_and_rolled_is_tightened() -> None:
    found = action_units(weights_of(next(u for u in UNITS if u.code == 23).shapes)).intensity
    assert found[23] == pytest.approx(1.0)
    assert found[24] == pytest.approx(0.0, abs=1e-9)
    assert found[28] == pytest.approx(0.0, abs=1e-9)


@given(WEIGHTS, SHARES, arrays(bool, arkit.COUNT))
def test_all_that_comes_out_is_in_bounds(weights: np.ndarray, sure: np.ndarray, seen: np.ndarray) -> None:
    found = action_units(weights, sure, seen)
    for values in (found.intensity, found.confidence, found.left, found.right):
        assert values.shape == (CODES,)
        assert np.isfinite(values).all()
        assert values.min() >= 0.0
        assert values.max() <= 1.0
    unread = [c for c in range(1, CODES) if c not in READ]
    assert not found.intensity[unread].any()
    assert not found.confidence[unread].any()
    assert (found.confidence <= sure.max() + 1e-12).all()
    np.testing.assert_array_equal(found.asymmetry[list(BOTH_AT_ONCE)], 0.0)


@given(WEIGHTS, SHARES)
def test_a_mirrored_face_has_mirrored_sides(weights: np.ndarray, sure: np.ndarray) -> None:
    mirror = list(arkit.MIRROR)
    found, other = action_units(weights, sure), action_units(weights[mirror], sure[mirror])
    plain = [c for c in range(CODES) if c not in (61, 62)]
    np.testing.assert_allclose(found.left[plain], other.right[plain], atol=1e-12)
    np.testing.assert_allclose(found.intensity[61], other.intensity[62], atol=1e-12)


@given(arrays(np.float64, (4, arkit.COUNT), elements=st.floats(0.0, 1.0)), SHARES)
def test_many_faces_are_read_as_each(weights: np.ndarray, sure: np.ndarray) -> None:
    found = action_units(weights, sure)
    for i, row in enumerate(weights):
        one = action_units(row, sure)
        np.testing.assert_allclose(found.intensity[i], one.intensity, atol=1e-12)
        np.testing.assert_allclose(found.confidence[i], one.confidence, atol=1e-12)


def test_what_nobody_measured_is_no_evidence() -> None:
    seen = np.ones(arkit.COUNT, dtype=bool)
    seen[[arkit.INDEX["eyeWideLeft"], arkit.INDEX["eyeWideRight"]]] = False
    found = action_units(of(eyeWide=0.5, mouthSmile=0.5), np.full(arkit.COUNT, 0.8), seen)
    assert found.confidence[5] == 0.0
    assert found.confidence[12] == pytest.approx(0.8)
    assert found.intensity[5] > 0.5, "the weight is still passed on"


def test_a_number_that_is_none_counts_as_unseen() -> None:
    weights = of(mouthSmile=0.8)
    weights[arkit.INDEX["mouthSmileLeft"]] = np.nan
    found = action_units(weights)
    assert found.intensity[12] == pytest.approx(0.8 / 0.95, abs=0.01), "the side that is there leads"
    assert found.confidence[12] < 1.0
    assert np.isfinite(found.confidence).all()


def test_a_side_of_no_confidence_does_not_lead() -> None:
    weights, sure = of(mouthSmileLeft=0.3, mouthSmileRight=1.0), np.ones(arkit.COUNT)
    sure[arkit.INDEX["mouthSmileRight"]] = 0.05
    sure[arkit.INDEX["mouthDimpleRight"]] = 0.05
    found = action_units(weights, sure)
    assert found.intensity[12] == pytest.approx(found.left[12])
    assert found.confidence[12] > 0.7


@pytest.mark.parametrize("shape", [(51,), (2, 51), (1, 2, 52), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AffectError, match="expected weights of shape"):
        action_units(np.zeros(shape))


def test_confidence_of_another_shape_is_refused() -> None:
    with pytest.raises(AffectError, match="expected confidence"):
        action_units(np.zeros((3, arkit.COUNT)), np.zeros((2, arkit.COUNT)))


def test_letters() -> None:
    assert [letter(v) for v in (0.0, 0.05, *INTENSITY.values())] == ["", "", *INTENSITY]


def test_names_cover_what_is_read() -> None:
    assert set(READ) <= set(NAMES)
    assert [u.code for u in UNITS] == sorted(u.code for u in UNITS)
    assert all(u.source.startswith("FACS") for u in UNITS)
