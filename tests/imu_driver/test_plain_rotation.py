"""Rotations in plain numbers are those of `face_model.rotation`."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from face_model import rotation
from imu_driver import plain_rotation

components = st.floats(-1.0, 1.0)
vectors = st.tuples(components, components, components)


@given(vectors.filter(lambda v: math.hypot(*v) < 3.0), vectors)
def test_turns_are_those_of_the_house(start: tuple[float, ...], turn: tuple[float, ...]) -> None:
    before = rotation.from_vector(np.array(start))
    after = plain_rotation.turned_on(tuple(before.tolist()), turn, 0.5)
    np.testing.assert_allclose(after, rotation.multiply(before, rotation.from_vector(0.5 * np.array(turn))), atol=1e-12)
    for sign in (1.0, -1.0):
        found = plain_rotation.turn(tuple(before.tolist()), tuple(sign * v for v in after))
        np.testing.assert_allclose(found, 0.5 * np.array(turn), atol=1e-7)
