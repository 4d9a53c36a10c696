"""Quaternion maths against scipy, with the awkward angles: near 0 and near pi."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from face_model import rotation

AWKWARD = st.sampled_from([0.0, 1e-12, 1e-9, 1e-6, 1e-3, np.pi - 1e-3, np.pi - 1e-6, np.pi - 1e-9, np.pi])
ANGLES = st.one_of(AWKWARD, st.floats(0.0, np.pi))
COORDINATES = st.floats(-1.0, 1.0)


@st.composite
def axes(draw: st.DrawFn) -> NDArray[np.float64]:
    v = np.array([draw(COORDINATES) for _ in range(3)])
    length = float(np.linalg.norm(v))
    return v / length if length > 1e-3 else np.array([0.0, 0.0, 1.0])


@st.composite
def vectors(draw: st.DrawFn) -> NDArray[np.float64]:
    return draw(axes()) * draw(ANGLES)


def same_rotation(a: NDArray[np.float64], b: NDArray[np.float64], tolerance: float = 1e-7) -> bool:
    return bool(min(np.abs(a - b).max(), np.abs(a + b).max()) < tolerance)


@given(vectors())
def test_from_vector_agrees_with_scipy(r: NDArray[np.float64]) -> None:
    assert same_rotation(rotation.from_vector(r), Rotation.from_rotvec(r).as_quat())


@given(vectors())
def test_vector_round_trip(r: NDArray[np.float64]) -> None:
    back = rotation.to_vector(rotation.from_vector(r))
    assert np.linalg.norm(back) <= np.pi + 1e-9
    # At a half turn both signs of the axis are the same rotation.
    if np.linalg.norm(r) < np.pi - 1e-6:
        np.testing.assert_allclose(back, r, atol=1e-7)
    else:
        np.testing.assert_allclose(np.abs(back), np.abs(r), atol=1e-5)


@given(vectors(), vectors())
def test_multiply_agrees_with_scipy(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    expected = (Rotation.from_rotvec(a) * Rotation.from_rotvec(b)).as_quat()
    assert same_rotation(rotation.multiply(rotation.from_vector(a), rotation.from_vector(b)), expected)


@given(vectors(), axes())
def test_rotate_agrees_with_scipy(r: NDArray[np.float64], v: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(rotation.rotate(rotation.from_vector(r), v), Rotation.from_rotvec(r).apply(v), atol=1e-9)


@given(vectors())
def test_matrices_agree_with_scipy(r: NDArray[np.float64]) -> None:
    q = rotation.from_vector(r)
    np.testing.assert_allclose(rotation.to_matrix(q), Rotation.from_rotvec(r).as_matrix(), atol=1e-9)


@given(vectors())
def test_matrix_round_trip(r: NDArray[np.float64]) -> None:
    q = rotation.from_vector(r)
    assert same_rotation(rotation.from_matrix(rotation.to_matrix(q)), q)


@given(vectors())
def test_conjugate_undoes(r: NDArray[np.float64]) -> None:
    q = rotation.from_vector(r)
    np.testing.assert_allclose(rotation.multiply(q, rotation.conjugate(q)), [0.0, 0.0, 0.0, 1.0], atol=1e-9)


@given(axes(), axes())
def test_between_carries_one_to_the_other_by_the_smallest_turn(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    q = rotation.between(a, b)
    np.testing.assert_allclose(rotation.rotate(q, a), b, atol=5e-5)
    expected = np.arctan2(np.linalg.norm(np.cross(a, b)), float(a @ b))
    assert float(np.linalg.norm(rotation.to_vector(q))) == pytest.approx(expected, abs=1e-4)


@given(axes())
def test_between_opposites_is_a_half_turn(a: NDArray[np.float64]) -> None:
    q = rotation.between(a, -a)
    np.testing.assert_allclose(rotation.rotate(q, a), -a, atol=1e-6)


@given(vectors(), st.floats(1e-3, 1e3))
def test_normalise_keeps_direction(r: NDArray[np.float64], scale: float) -> None:
    q = rotation.from_vector(r)
    np.testing.assert_allclose(rotation.normalise(q * scale), q, atol=1e-9)


def test_normalise_turns_nothing_into_identity() -> None:
    np.testing.assert_array_equal(rotation.normalise(np.zeros(4)), [0.0, 0.0, 0.0, 1.0])


def test_leading_axes_broadcast() -> None:
    rng = np.random.default_rng(1)
    r = rng.normal(size=(4, 5, 3))
    q = rotation.from_vector(r)
    assert q.shape == (4, 5, 4)
    assert rotation.to_matrix(q).shape == (4, 5, 3, 3)
    np.testing.assert_allclose(
        rotation.from_matrix(rotation.to_matrix(q))[2, 3], rotation.from_matrix(rotation.to_matrix(q[2, 3]))
    )
    np.testing.assert_allclose(rotation.multiply(q, q[0])[3, 2], rotation.multiply(q[3, 2], q[0, 2]))


def test_cross_agrees_with_numpy() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 6, 3))
    np.testing.assert_allclose(rotation.cross(a, b), np.cross(a, b))


def test_single_precision_stays_single() -> None:
    q = rotation.from_vector(np.ones(3, dtype=np.float32))
    assert rotation.conjugate(q).dtype == np.float32
    assert rotation.to_matrix(q).dtype == np.float32
