from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from face_inference.quaternion_matrices import ROTATION, left_matrix, right_matrix
from face_model import rotation

quaternions = st.lists(st.floats(-1.0, 1.0), min_size=4, max_size=4).map(np.array)


@given(quaternions, quaternions)
def test_products_with_a_matrix_are_hamilton_products(a, b):
    expected = rotation.multiply(a, b)
    np.testing.assert_allclose(left_matrix(a) @ b, expected, atol=1e-12)
    np.testing.assert_allclose(right_matrix(b) @ a, expected, atol=1e-12)


@given(st.lists(st.floats(-4.0, 4.0), min_size=3, max_size=3).map(np.array))
def test_products_of_components_give_the_rotation_matrix(vector):
    q = rotation.from_vector(vector)
    np.testing.assert_allclose(np.einsum("i,j,ijab->ab", q, q, ROTATION), rotation.to_matrix(q), atol=1e-12)
