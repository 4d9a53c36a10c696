"""IMU frames to feature vectors: what the skin does relative to the skull, in `face_head` axes.

One function computes one frame or a whole take alike, so streaming and training cannot differ. It works on quaternion
and rotation matrices precomputed from the neutral, with few and large numpy calls: at 12 sensors the time goes into
the number of calls, not into arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import NeutralMissingError
from face_inference.heading import HeadingFilter, HeadingState
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral
from face_model import rotation

FloatArray = NDArray[np.floating]

_BATCH_ROWS = 20_000
"""Frames computed at once in the batch path; bounds its memory to about 200 MB at 12 sensors."""


@dataclass(frozen=True)
class Params:
    """What a sensor may report before its sample is masked.

    Attributes:
        max_rate_rad_s: largest believable angular velocity, the QMI8658's widest range of 2048 deg/s.
        max_force_m_s2: largest believable specific force, its widest range of 16 g times sqrt(3).
        max_norm_error: how far a quaternion's norm may be from 1.
    """

    max_rate_rad_s: float = 62.0
    max_force_m_s2: float = 272.0
    max_norm_error: float = 0.05


@dataclass(frozen=True)
class State:
    """All that an extractor remembers. No neutral: not yet calibrated; no heading: it starts at the neutral."""

    neutral: Neutral | None = None
    heading: HeadingState | None = None


@dataclass(frozen=True)
class Coefficients:
    """Constants that follow from mounts and neutral.

    `to_head` (S, 4, 4) maps a sensor's quaternion to that of its head frame in the reference's earth frame;
    `mount` (S, 3, 3) turns sensor axes into head axes; `lever_m` (K, 3) leads from the reference to each skin sensor.
    """

    to_head: FloatArray
    mount: FloatArray
    lever_m: FloatArray
    calibrated: NDArray[np.bool_]


class FeatureExtractor:
    """Features of `S` sensors: see `Channels` for their order and `state` for saving and restoring."""

    def __init__(self, mounts: NominalMounts, params: Params | None = None, rate_hz: float = 100.0) -> None:
        """`rate_hz`: of the frames to come; the heading correction needs to know."""
        self.mounts = mounts
        self.channels = Channels.of(mounts)
        self.params = params or Params()
        # A slice is a view where the reference comes first, as in the shipped layouts; an index array copies.
        self._skin: Any = slice(1, None) if mounts.reference == 0 else np.array(mounts.skin)
        self._turns = slice(0, self.channels.skin_block("tilt").stop)
        self._rate, self._force = self.channels.skin_block("rate"), self.channels.skin_block("force")
        self._gravity, self._head_rate = self.channels.gravity, self.channels.head_rate
        self._valid = self.channels.valid
        self._heading = HeadingFilter(self.channels.skin_count, rate_hz)
        self._neutral: Neutral | None = None
        self._coefficients: Coefficients | None = None
        self._from_reference = right_matrix(rotation.conjugate(mounts.orientation[mounts.reference]))

    @property
    def state(self) -> State:
        """To be saved."""
        return State(self._neutral, self._heading.state)

    @state.setter
    def state(self, state: State) -> None:
        self._neutral = state.neutral
        self._heading.state = state.heading or self._heading.fresh()
        self._coefficients = None if state.neutral is None else self._prepare(state.neutral)
        mount = self.mounts.orientation if state.neutral is None else state.neutral.mount
        front_rad = 0.0 if state.neutral is None else state.neutral.front_rad
        ahead = left_matrix(rotation.from_vector(np.array([0.0, 0.0, -front_rad])))
        self._from_reference = ahead @ right_matrix(rotation.conjugate(mount[self.mounts.reference]))

    @property
    def ready(self) -> bool:
        """Whether a neutral is known."""
        return self._coefficients is not None

    def head_orientation(self, reference_orientation: NDArray[np.floating]) -> FloatArray:
        """(4,) quaternion of the skull unit, sensor to earth -> (4,) `face_head` to earth.

        Once a neutral is known, heading zero is where the wearer looked then.
        """
        norm = float(np.sqrt(np.dot(reference_orientation, reference_orientation)))
        if norm < 1e-6:
            return _IDENTITY.copy()
        head: FloatArray = self._from_reference @ reference_orientation / norm
        return head

    def _believable(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> tuple[NDArray[np.bool_], NDArray[np.floating]]:
        """`valid` (..., S) without the samples that are not finite, out of range or no rotation; squared norms."""
        p = self.params
        norm_squared = np.einsum("...i,...i->...", orientation, orientation)
        # NaN compares false, so one test covers NaN, Inf and range.
        good = valid & (np.abs(norm_squared - 1.0) < 2.0 * p.max_norm_error)
        good &= np.einsum("...i,...i->...", angular_velocity, angular_velocity) < p.max_rate_rad_s**2
        good &= np.einsum("...i,...i->...", specific_force, specific_force) < p.max_force_m_s2**2
        return good, norm_squared

    def step(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """One frame: (S, 4), (S, 3) rad/s, (S, 3) m/s2, (S,) bool -> (F,).

        Raises:
            NeutralMissingError: no neutral was set.
        """
        return self._features(orientation, angular_velocity, specific_force, valid)

    def batch(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """A take: (T, S, 4), (T, S, 3) rad/s, (T, S, 3) m/s2, (T, S) bool -> (T, F).

        Raises:
            NeutralMissingError: no neutral was set.
        """
        features = np.empty((len(valid), self.channels.size), dtype=np.float32)
        for start in range(0, len(valid), _BATCH_ROWS):
            rows = slice(start, start + _BATCH_ROWS)
            features[rows] = self._features(
                orientation[rows], angular_velocity[rows], specific_force[rows], valid[rows]
            )
        return features

    def _take_back_drift(
        self, turns: FloatArray, rate: FloatArray, head_rate: FloatArray, up: FloatArray, valid: NDArray[np.bool_]
    ) -> None:
        """Turn the relative quaternions in `turns` (..., 2, K, 4) about the vertical by the drift, in place."""
        count = self.channels.skin_count
        relative, tilt = turns[..., 0, :, :].reshape(-1, count, 4), turns[..., 1, :, :].reshape(-1, count, 4)
        up, head_rate = up.reshape(-1, 3), head_rate.reshape(-1, 3)
        drift = self._heading.advance(
            relative, rate.reshape(-1, count, 3), head_rate, up, tilt[..., 3], valid.reshape(-1, count)
        )
        # A turn about the vertical from the left: its quaternion is (sin up, cos), and the product is linear in it.
        half = 0.5 * drift[..., None]
        about_up = relative @ (up @ _LEFT_OF_VECTOR).reshape(-1, 4, 4)
        turns[..., 0, :, :] = (np.cos(half) * relative + np.sin(half) * about_up).reshape(turns[..., 0, :, :].shape)

    def _prepare(self, neutral: Neutral) -> Coefficients:
        half = 0.5 * neutral.yaw_rad
        zeros = np.zeros_like(half)
        yaw = np.stack([zeros, zeros, np.sin(half), np.cos(half)], axis=-1)
        to_head = left_matrix(yaw) @ right_matrix(rotation.conjugate(neutral.mount))
        position = self.mounts.position_m
        return Coefficients(
            to_head=to_head,
            mount=rotation.to_matrix(neutral.mount),
            lever_m=position[self._skin] - position[self.mounts.reference],
            calibrated=neutral.calibrated,
        )

    def _features(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Leading axes (...) are free: () streaming, (T,) batch."""
        c = self._coefficients
        if c is None:
            raise NeutralMissingError("expected a neutral before features are computed, found none; calibrate first")
        reference, skin, lead = self.mounts.reference, self._skin, valid.shape[:-1]
        orientation = orientation.astype(np.float64)
        mask, norm_squared = self._believable(orientation, angular_velocity, specific_force, valid & c.calibrated)
        # Without the skull nothing can be told apart from head motion.
        mask &= mask[..., reference : reference + 1]
        motion = np.empty((*valid.shape, 3, 2))  # (..., S, 3, 2)
        motion[..., 0] = angular_velocity
        motion[..., 1] = specific_force
        whole = bool(mask.all())
        if not whole:
            orientation = np.where(mask[..., None], orientation, _IDENTITY)
            norm_squared = np.where(mask, norm_squared, 1.0)
            motion[~mask] = 0.0
        head = (c.to_head @ orientation[..., None])[..., 0]  # (..., S, 4) each sensor's head frame to the common earth
        head /= np.sqrt(norm_squared)[..., None]
        motion = c.mount @ motion  # in each sensor's head frame

        up = _up_in_frame(head)  # (..., S, 3)
        up_skull = up[..., reference, :]
        skull = head[..., reference, :]
        turns = np.empty((*lead, 2, self.channels.skin_count, 4))  # sine and cosine of rotation (half angle) and tilt
        turns[..., 0, :, :] = head[..., skin, :] @ (skull @ _RIGHT_OF_CONJUGATE).reshape(*lead, 4, 4)
        turns[..., 1, :, :] = up[..., skin, :] @ (up_skull @ _CROSS_AND_DOT).reshape(*lead, 3, 4)

        # Level each skin sensor with the skull before subtracting, or gravity and head turns leak through its tilt:
        # the smallest rotation from its up to the skull's, cos I + [sin]x + sin sin^T / (1 + cos).
        sine = turns[..., 1, :, :3]  # (..., K, 3)
        level = (turns[..., 1, :, :] @ _COSINE_AND_SKEW).reshape(*sine.shape, 3)
        level += sine[..., :, None] * (sine / (1.0 + _TINY + turns[..., 1, :, 3:]))[..., None, :]
        skull_motion = motion[..., reference, :, :]  # (..., 3, 2)
        relative_motion = level @ motion[..., skin, :, :] - skull_motion[..., None, :, :]  # (..., K, 3, 2)
        head_rate = skull_motion[..., 0]
        self._take_back_drift(turns, motion[..., skin, :, 0], head_rate, up_skull, mask[..., skin])
        spin = (head_rate @ _SKEW).reshape(*lead, 3, 3)
        centripetal = c.lever_m @ (spin @ spin)  # (..., K, 3) m/s2; the square of a skew matrix is symmetric

        out = np.empty((*lead, self.channels.size))
        out[..., self._turns] = _rotation_vectors(turns).reshape(*lead, -1)
        out[..., self._rate] = relative_motion[..., 0].reshape(*lead, -1)
        out[..., self._force] = (relative_motion[..., 1] - centripetal).reshape(*lead, -1)
        out[..., self._gravity] = up_skull
        out[..., self._head_rate] = head_rate
        out[..., self._valid] = 1.0
        if not whole:
            out *= mask[..., self.channels.sensor_of]
        return out.astype(np.float32)


_TINY = 1e-12
_IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


def left_matrix(q: NDArray[np.floating]) -> FloatArray:
    """(..., 4) -> (..., 4, 4): `left_matrix(a) @ b` is the Hamilton product of a and b."""
    x, y, z, w = (q[..., i] for i in range(4))
    rows = [[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def right_matrix(q: NDArray[np.floating]) -> FloatArray:
    """(..., 4) -> (..., 4, 4): `right_matrix(b) @ a` is the Hamilton product of a and b."""
    x, y, z, w = (q[..., i] for i in range(4))
    rows = [[w, z, -y, x], [-z, w, x, y], [y, -x, w, z], [-x, -y, -z, w]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


_RIGHT_OF_CONJUGATE: FloatArray = left_matrix(rotation.conjugate(np.eye(4))).swapaxes(-1, -2).reshape(4, 16)
"""(4, 16): `a @ (b @ _RIGHT_OF_CONJUGATE).reshape(4, 4)` is conjugate(b) times a, for rows a; it is linear in b."""

_LEFT_OF_VECTOR: FloatArray = left_matrix(np.eye(4)[:3]).swapaxes(-1, -2).reshape(3, 16)
"""(3, 16): `b @ (v @ _LEFT_OF_VECTOR).reshape(4, 4)` is the product of the quaternion (v, 0) with b, for rows b."""

_SKEW: FloatArray = np.zeros((3, 9))
_SKEW[0, [5, 7]] = -1.0, 1.0
_SKEW[1, [2, 6]] = 1.0, -1.0
_SKEW[2, [1, 3]] = -1.0, 1.0
"""(3, 9): with M = `(v @ _SKEW).reshape(3, 3)`, M @ u is v x u, and u @ M is u x v."""

_CROSS_AND_DOT: FloatArray = np.concatenate([_SKEW.reshape(3, 3, 3), np.eye(3)[:, :, None]], axis=-1).reshape(3, 12)
"""(3, 12): with M = `(v @ _CROSS_AND_DOT).reshape(3, 4)`, u @ M is (u x v, u . v)."""

_COSINE_AND_SKEW: FloatArray = np.concatenate([_SKEW, np.eye(3).reshape(1, 9)])
"""(4, 9): (sin, cos) -> flattened cos I + [sin]x."""

_UP: FloatArray = np.zeros((4, 4, 3))
_UP[0, 2, 0], _UP[1, 3, 0] = 2.0, -2.0
_UP[1, 2, 1], _UP[0, 3, 1] = 2.0, 2.0
_UP[0, 0, 2], _UP[1, 1, 2], _UP[2, 2, 2], _UP[3, 3, 2] = -1.0, -1.0, 1.0, 1.0
_UP_ROWS: FloatArray = _UP.reshape(16, 3)


def _up_in_frame(q: FloatArray) -> FloatArray:
    """Earth's z axis in the frame that `q` (..., 4) turns into earth: third row of its rotation matrix, (..., 3)."""
    products = q[..., :, None] * q[..., None, :]
    up: FloatArray = products.reshape(*q.shape[:-1], 16) @ _UP_ROWS
    return up


def _rotation_vectors(turns: FloatArray) -> FloatArray:
    """(..., 2, K, 4) -> (..., 2, K, 3) rad: first quaternions, then (sine, cosine) of whole angles; changes `turns`."""
    turns[..., 0, :, :] *= np.copysign(1.0, turns[..., 0, :, 3:])
    vector = turns[..., :3]
    sine = np.sqrt(np.einsum("...i,...i->...", vector, vector))
    angle = _HALF_AND_WHOLE * np.arctan2(sine, turns[..., 3])
    scaled: FloatArray = vector * (angle / np.maximum(sine, _TINY))[..., None]
    return scaled


_HALF_AND_WHOLE: FloatArray = np.array([[2.0], [1.0]])
