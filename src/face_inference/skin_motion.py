"""What the skin does relative to the skull: the formulas behind the features, for a few frames at a time.

At 12 sensors a frame's time goes into the number of numpy calls, not into arithmetic. Hence few and large products,
with all that does not change merged into their matrices beforehand, and work arrays that are allocated once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.neutral import Neutral
from face_inference.quaternion_matrices import ROTATION, left_matrix, right_matrix
from face_model import rotation

FloatArray = NDArray[np.floating]

_TINY = 1e-12

AT_REST: FloatArray = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
"""Sample (quaternion, rate, force) of a sensor that does not exist: anything finite will do."""


@dataclass(frozen=True)
class Coefficients:
    """Constants that follow from mounts and neutral; the reference is sensor 0, `K` skin sensors follow.

    Attributes:
        to_head: (S, 10, 10) maps a sensor's sample (quaternion to its earth, rad/s, m/s2; sensor axes) to the
            quaternion of its head frame in the reference's earth frame, and to rate and force in that head frame.
        quarters: (3, K, 4, 4) the quaternion's part of `to_head` with another half turn about the vertical: of the
            earth, of the head frame, of both.
        rigid: (15, 6 K) maps the skull's rate, force and products of rates (3, 3) to the rates (K, 3) and forces
            (K, 3) that sensors riding on it without skin would show, but for angular acceleration.
        calibrated: (S,)
    """

    to_head: FloatArray
    quarters: FloatArray
    rigid: FloatArray
    calibrated: NDArray[np.bool_]

    @classmethod
    def of(cls, neutral: Neutral, position_m: FloatArray, order: NDArray[np.intp]) -> Coefficients:
        """`position_m` (S, 3) and `neutral` in the model's order of sensors; `order` (S,) has the reference first."""
        mount = neutral.mount[order]
        half = 0.5 * neutral.yaw_rad[order]
        zeros = np.zeros_like(half)
        yaw = np.stack([zeros, zeros, np.sin(half), np.cos(half)], axis=-1)
        to_head = np.zeros((len(order), 10, 10))
        to_head[:, :4, :4] = left_matrix(yaw) @ right_matrix(rotation.conjugate(mount))
        to_head[:, 4:7, 4:7] = to_head[:, 7:, 7:] = rotation.to_matrix(mount)
        half_turn = np.array([0.0, 0.0, 1.0, 0.0])
        earth, head = left_matrix(half_turn), right_matrix(half_turn)
        quarters = np.stack([earth, head, earth @ head])[:, None] @ to_head[1:, :4, :4]
        lever_m = position_m[order[1:]] - position_m[order[0]]
        return cls(to_head, quarters, _rigid(lever_m), neutral.calibrated)

    def turned(self, heading_rad: FloatArray, mounting_rad: FloatArray) -> FloatArray:
        """`to_head` with each skin sensor's heading and mounting turned about the vertical, (K,) each.

        The mounting R(m) M needs a heading that is larger by m for the neutral to stay where it was.
        """
        to_head = self.to_head.copy()
        half = 0.5 * (heading_rad + mounting_rad)[:, None, None]
        cosine, sine = np.cos(half), np.sin(half)
        half_of_head = 0.5 * mounting_rad[:, None, None]
        cosine_of_head, sine_of_head = np.cos(half_of_head), -np.sin(half_of_head)
        plain, (earth, head, both) = self.to_head[1:, :4, :4], self.quarters
        to_head[1:, :4, :4] = cosine_of_head * (cosine * plain + sine * earth)
        to_head[1:, :4, :4] += sine_of_head * (cosine * head + sine * both)
        about = about_vertical(mounting_rad)
        to_head[1:, 4:7, 4:7] = about @ self.to_head[1:, 4:7, 4:7]
        to_head[1:, 7:, 7:] = about @ self.to_head[1:, 7:, 7:]
        return to_head


def about_vertical(angle_rad: FloatArray) -> FloatArray:
    """(K,) -> (K, 3, 3) rotation matrices about the z axis."""
    turns = np.zeros((len(angle_rad), 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angle_rad)
    turns[:, 1, 0] = np.sin(angle_rad)
    turns[:, 0, 1] = -turns[:, 1, 0]
    turns[:, 2, 2] = 1.0
    return turns


def _rigid(lever_m: FloatArray) -> FloatArray:
    """(K, 3) from the reference to each skin sensor -> (15, 6 K), see `Coefficients`."""
    count, eye = len(lever_m), np.eye(3)
    rigid = np.zeros((15, 2, count, 3))
    rigid[:3, 0] = rigid[3:6, 1] = eye[:, None]
    # Centripetal acceleration w x (w x l) = w (w . l) - l (w . w).
    products = rigid[6:].reshape(3, 3, 2, count, 3)
    products[:, :, 1] = np.einsum("ia,kj->ijka", eye, lever_m) - np.einsum("ij,ka->ijka", eye, lever_m)
    return rigid.reshape(15, 6 * count)


class SkinMotion:
    """Work arrays for N frames of S sensors, the reference first, and the formulas that fill them.

    The caller writes `sample` (N, S, 10), calls `measure` and `compute`, and reads the rest until the next frames.

    Attributes:
        orientation, angular_velocity, specific_force: parts (N, S, 4), (N, S, 3), (N, S, 3) of `sample`.
        squares: (N, S, 3) squared norms of these.
        head: (N, S, 4) unit quaternions, each sensor's head frame to the reference's earth frame.
        upright: (N, K) cosine of the angle between gravity as each sensor and as the skull sees it.
        rate: (N, S, 3) rad/s, in each sensor's own head frame.
        features: (N, F), see `Channels`.
    """

    def __init__(self, frames: int, channels: Channels) -> None:
        # Views are taken here once: taking them anew would cost each frame a tenth more.
        n, s, k = frames, channels.sensors, channels.skin_count
        self.sample = np.empty((n, s, 10))
        self.orientation, self.angular_velocity = self.sample[..., :4], self.sample[..., 4:7]
        self.specific_force = self.sample[..., 7:]
        self._squared, self.squares, self._norm = np.empty((n, s, 10)), np.empty((n, s, 3)), np.empty((n, s, 1))
        self._norm_squared = self.squares[..., :1]

        carried = np.empty((n, s, 10))  # quaternion, rate and force in head frames
        self._sample_column, self._carried_column = self.sample[..., None], carried[..., None]
        self._carried_head, self.rate = carried[..., :4], carried[..., 4:7]
        self._head_rate, self._skull_motion = self.rate[:, 0], carried[:, 0, 4:]
        self._motion = carried[:, 1:, 4:].reshape(n, k, 2, 3).swapaxes(-1, -2)  # (N, K, 3, 2) rate and force

        pose = np.empty((n, s, 7))  # unit quaternion of the head frame, vertical in it
        self._skull_pose, self._skin_pose = pose[:, 0], pose[:, 1:]
        self.head, self._up = pose[..., :4], self._skull_pose[:, 4:]
        self._head_column, self._head_row = self.head[..., :, None], self.head[..., None, :]
        self._products = np.empty((n, s, 4, 4))
        self._products_rows, self._up_rows = self._products.reshape(-1, 16), pose.reshape(-1, 7)[:, 4:]

        self._of_skull = np.empty((n, 56))
        self._of_skull_matrix = self._of_skull.reshape(n, 7, 8)
        self._turns = np.empty((n, k, 8))  # relative quaternion; sine (3) and cosine of the tilt
        pairs = self._turns.reshape(n, k, 2, 4)
        self._directions, self._cosines = pairs[..., :3], pairs[..., 3:]
        self._relative, self._tilt = pairs[:, :, 0], pairs[:, :, 1]
        self._relative_w, self.upright = self._relative[..., 3:], self._tilt[..., 3]
        self._tilt_sine, self._tilt_cosine = self._tilt[..., :3], self._tilt[..., 3:]
        self._turned, self._sines, self._angles = np.empty((n, k, 8)), np.empty((n, k, 2, 1)), np.empty((n, k, 2, 1))
        self._turned_rows, self._sines_rows = self._turned.reshape(-1, 4), self._sines.reshape(-1, 1)
        self._part = np.empty((n, k, 1))

        self._level, self._second_order = np.empty((n, k, 3, 3)), np.empty((n, k, 3, 3))
        self._level_rows = self._level.reshape(n, k, 9)
        self._scaled_sine = np.empty((n, k, 3))
        self._sine_column, self._sine_row = self._tilt_sine[..., :, None], self._scaled_sine[..., None, :]
        self._skull, self._ridden = np.empty((n, 15)), np.empty((n, 6 * k))
        self._rate_products, self._rate_and_force = self._skull[:, 6:].reshape(n, 3, 3), self._skull[:, :6]
        self._rate_column, self._rate_row = self._head_rate[:, :, None], self._head_rate[:, None, :]

        self.features = np.ones((n, channels.size))
        self._vectors = self.features[:, : 6 * k].reshape(n, 2, k, 3).swapaxes(1, 2)
        self._relative_motion = self.features[:, 6 * k : 12 * k]
        self._levelled = self._relative_motion.reshape(n, 2, k, 3).transpose(0, 2, 3, 1)
        self._whole_skin = self.features[:, : 12 * k]
        self._skin_rows = self._whole_skin.reshape(n, 4, k, 1, 3)
        self._turned_back = np.empty((n, 4, k, 1, 3))
        self._turned_back_rows = self._turned_back.reshape(n, 12 * k)
        self._gravity_out, self._rate_out = self.features[:, channels.gravity], self.features[:, channels.head_rate]

    def measure(self) -> None:
        """From `sample` to `squares`."""
        np.multiply(self.sample, self.sample, out=self._squared)
        np.add.reduceat(self._squared, _STARTS, axis=-1, out=self.squares)

    def compute(self, c: Coefficients, to_head: FloatArray, to_neutral: FloatArray | None = None) -> None:
        """From `sample` and `squares` to all the rest.

        Args:
            c: of the neutral.
            to_head: that of `c`, with the drift taken back and the mountings turned.
            to_neutral: (K, 3, 3) takes a row vector from these head axes to those of the neutral's mountings; None:
                they are the same.
        """
        np.matmul(to_head, self._sample_column, out=self._carried_column)
        np.sqrt(self._norm_squared, out=self._norm)
        np.divide(self._carried_head, self._norm, out=self.head)
        # The vertical in a frame is the third row of its rotation matrix, quadratic in the quaternion.
        np.multiply(self._head_column, self._head_row, out=self._products)
        np.matmul(self._products_rows, _UP, out=self._up_rows)
        np.matmul(self._skull_pose, _OF_SKULL, out=self._of_skull)
        np.matmul(self._skin_pose, self._of_skull_matrix, out=self._turns)
        self._subtract_skull(c)
        self._to_rotation_vectors()
        if to_neutral is not None:
            np.matmul(self._skin_rows, to_neutral, out=self._turned_back)
            self._whole_skin[:] = self._turned_back_rows
        self._gravity_out[:] = self._up
        self._rate_out[:] = self._head_rate

    def _subtract_skull(self, c: Coefficients) -> None:
        """Rates and forces of the skin without those of the skull."""
        # Level each skin sensor with the skull before subtracting, or gravity and head turns leak through its tilt:
        # the smallest rotation from its up to the skull's, cos I + [sin]x + sin sin^T / (1 + cos).
        np.matmul(self._tilt, _COSINE_AND_SKEW, out=self._level_rows)
        np.add(self._tilt_cosine, 1.0 + _TINY, out=self._part)
        np.divide(self._tilt_sine, self._part, out=self._scaled_sine)
        np.multiply(self._sine_column, self._sine_row, out=self._second_order)
        self._level += self._second_order
        np.matmul(self._level, self._motion, out=self._levelled)
        self._rate_and_force[:] = self._skull_motion
        np.multiply(self._rate_column, self._rate_row, out=self._rate_products)
        np.matmul(self._skull, c.rigid, out=self._ridden)
        self._relative_motion -= self._ridden

    def _to_rotation_vectors(self) -> None:
        """Quaternions, and sine and cosine of tilts, to rotation vectors in rad."""
        np.copysign(1.0, self._relative_w, out=self._part)
        self._relative *= self._part
        np.multiply(self._turns, self._turns, out=self._turned)
        np.matmul(self._turned_rows, _VECTOR_PART, out=self._sines_rows)
        np.sqrt(self._sines, out=self._sines)
        np.arctan2(self._sines, self._cosines, out=self._angles)
        np.maximum(self._sines, _TINY, out=self._sines)
        self._angles /= self._sines
        self._angles *= _HALF_AND_WHOLE
        np.multiply(self._directions, self._angles, out=self._vectors)


_STARTS: NDArray[np.intp] = np.array([0, 4, 7])
"""Where quaternion, rate and force of a sample begin."""

_SKEW: FloatArray = np.zeros((3, 9))
_SKEW[0, [5, 7]] = -1.0, 1.0
_SKEW[1, [2, 6]] = 1.0, -1.0
_SKEW[2, [1, 3]] = -1.0, 1.0
"""(3, 9): with M = `(v @ _SKEW).reshape(3, 3)`, M @ u is v x u, and u @ M is u x v."""

_COSINE_AND_SKEW: FloatArray = np.concatenate([_SKEW, np.eye(3).reshape(1, 9)])
"""(4, 9): (sin, cos) -> flattened cos I + [sin]x."""

_OF_SKULL: FloatArray = np.zeros((7, 7, 8))
_OF_SKULL[:4, :4, :4] = left_matrix(rotation.conjugate(np.eye(4))).swapaxes(-1, -2)
_OF_SKULL[4:, 4:, 4:7] = _SKEW.reshape(3, 3, 3)
_OF_SKULL[4:, 4:, 7] = np.eye(3)
_OF_SKULL = _OF_SKULL.reshape(7, 56)
"""(7, 56): with M = `((q, up) @ _OF_SKULL).reshape(7, 8)`, (p, u) @ M is (conjugate(q) times p, u x up, u . up)."""

_UP: FloatArray = ROTATION[:, :, 2].reshape(16, 3)
"""(16, 3): products of a quaternion's components -> earth's z axis in the frame that it turns into earth."""

_VECTOR_PART: FloatArray = np.array([[1.0], [1.0], [1.0], [0.0]])
_HALF_AND_WHOLE: FloatArray = np.array([[2.0], [1.0]])
