"""The wearer's neutral: how each sensor really sits, learned from two or three seconds of a relaxed, still face."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_inference.mounts import NominalMounts
from face_model import rotation
from face_model.saved_arrays import Arrays, SavedArrays

FloatArray = NDArray[np.floating]

_MOST_NORM_ERROR = 1e-3
_MOST_ANGLE_RAD = 10.0
"""Beyond any angle that `arctan2` gives."""


@dataclass(frozen=True)
class Neutral:
    """What a calibration learned about `S` sensors; replaced as a whole, never changed.

    Attributes:
        mount: (S, 4) unit quaternions, sensor to `face_head`, the nominal ones corrected by gravity.
        yaw_rad: (S,) rotation about the vertical that brings each sensor's earth frame to the reference's.
        front_rad: heading of the face, about the vertical of the reference's earth frame: where the wearer looked.
        calibrated: (S,) bool, whether the sensor was seen; the others are masked until the next calibration.
        stillness_rad_s: RMS angular velocity of the skull meanwhile.
        turn_deviation_rad: (S,) standard deviation of what is not known of each mounting's turn about the vertical
            against the reference's, which gravity does not tell; None: boards glued on by hand
            (`HeadingParams.mounting_rad`). The heading filter begins with it.
    """

    mount: FloatArray
    yaw_rad: FloatArray
    front_rad: float
    calibrated: NDArray[np.bool_]
    stillness_rad_s: float
    turn_deviation_rad: FloatArray | None = None

    @property
    def up(self) -> FloatArray:
        """(S, 3) unit vectors, the vertical in each sensor's axes in the still seconds."""
        vertical = np.broadcast_to([0.0, 0.0, 1.0], (len(self.mount), 3))
        return np.asarray(rotation.rotate(rotation.conjugate(self.mount), vertical))

    def mounted(self, mount: FloatArray, reference: int, turn_deviation_rad: FloatArray | None = None) -> Neutral:
        """The same still seconds with the sensors mounted (S, 4) otherwise, but for what gravity says against it.

        `reference`: index of the unit on the skull.
        """
        in_head = rotation.rotate(np.asarray(mount, dtype=np.float64), self.up)
        level = np.broadcast_to([0.0, 0.0, 1.0], in_head.shape)
        levelled = rotation.normalise(rotation.multiply(rotation.between(in_head, level), mount))
        between = rotation.multiply(levelled, rotation.conjugate(self.mount))
        turn = rotation.about_vertical(between)
        # Both frames are level, so that a turn of the mounting is one of the heading, the other way round.
        skull = turn[reference]
        return replace(
            self,
            mount=np.where(self.calibrated[:, None], levelled, self.mount),
            yaw_rad=np.where(self.calibrated, rotation.wrapped(self.yaw_rad + turn - skull), 0.0),
            front_rad=float(rotation.wrapped(np.array(self.front_rad - skull))),
            turn_deviation_rad=turn_deviation_rad,
        )

    def saved_state(self) -> Arrays:
        """As arrays, for `from_saved`."""
        arrays: Arrays = {
            "mount": np.asarray(self.mount, dtype=np.float64),
            "yaw_rad": np.asarray(self.yaw_rad, dtype=np.float64),
            "front_rad": np.array(self.front_rad),
            "calibrated": self.calibrated,
            "stillness_rad_s": np.array(self.stillness_rad_s),
        }
        if self.turn_deviation_rad is not None:
            arrays["turn_deviation_rad"] = np.asarray(self.turn_deviation_rad, dtype=np.float64)
        return arrays

    @classmethod
    def from_saved(cls, saved: SavedArrays, sensors: int) -> Neutral:
        """Of `sensors` sensors, from `saved_state`.

        Raises:
            SnapshotError: it is damaged, or of other sensors.
        """
        mount = saved.array("mount", (sensors, 4))
        if (np.abs(np.square(mount).sum(axis=1) - 1.0) > _MOST_NORM_ERROR).any():
            raise saved.refuse("unit quaternions as mount", "others")
        neutral = cls(
            mount,
            saved.array("yaw_rad", (sensors,), most=_MOST_ANGLE_RAD),
            saved.number("front_rad", -_MOST_ANGLE_RAD, _MOST_ANGLE_RAD),
            saved.array("calibrated", (sensors,), "b1"),
            saved.number("stillness_rad_s", 0.0),
            saved.array("turn_deviation_rad", (sensors,), most=_MOST_ANGLE_RAD)
            if "turn_deviation_rad" in saved
            else None,
        )
        saved.end()
        return neutral


def solve_neutral(
    mounts: NominalMounts,
    orientation: NDArray[np.floating],
    angular_velocity: NDArray[np.floating],
    valid: NDArray[np.bool_],
    min_valid: float = 0.5,
) -> Neutral | None:
    """Neutral from samples of a still, relaxed face; None if the reference was not seen.

    The wearer looks straight ahead, so the head is level and every sensor, the reference too, should see gravity
    along the head's z axis when carried through its nominal mount; the smallest rotation that makes it so corrects
    the mount. People find "straight ahead" again within a few degrees, boards are glued less exactly. What then still
    differs between a sensor's orientation and the reference's is a rotation about the vertical: the arbitrary heading
    of the sensor's earth frame together with the part of its mounting error that gravity cannot tell.

    Args:
        mounts: where the `S` sensors should sit.
        orientation: (T, S, 4) quaternions x, y, z, w, sensor to earth.
        angular_velocity: (T, S, 3) rad/s, sensor frame.
        valid: (T, S).
        min_valid: share of the samples in which a sensor must be valid to count as calibrated.
    """
    valid = valid & valid[:, [mounts.reference]]
    calibrated = valid.mean(axis=0) >= min_valid if len(valid) else np.zeros(len(mounts.names), dtype=bool)
    if not calibrated[mounts.reference]:
        return None
    q = rotation.normalise(np.asarray(orientation, dtype=np.float64))
    up = seen_up(q, valid)
    up_in_head = rotation.rotate(mounts.orientation, up)
    level = np.broadcast_to([0.0, 0.0, 1.0], up_in_head.shape)
    mount = rotation.normalise(rotation.multiply(rotation.between(up_in_head, level), mounts.orientation))

    head = rotation.multiply(q, rotation.conjugate(mount))  # (T, S, 4) face_head to each sensor's earth
    difference = rotation.multiply(head[:, [mounts.reference]], rotation.conjugate(head))
    yaw = rotation.about_vertical(difference)
    seen = valid.astype(np.float64)
    yaw_rad = np.arctan2((np.sin(yaw) * seen).sum(axis=0), (np.cos(yaw) * seen).sum(axis=0))

    forward = rotation.rotate(head[:, mounts.reference], np.broadcast_to([1.0, 0.0, 0.0], (len(head), 3)))
    ahead = forward[valid[:, mounts.reference]].sum(axis=0)

    skull = np.asarray(angular_velocity, dtype=np.float64)[valid[:, mounts.reference], mounts.reference]
    stillness = float(np.sqrt(np.mean(np.sum(skull**2, axis=-1))))
    identity = np.array([0.0, 0.0, 0.0, 1.0])
    return Neutral(
        mount=np.where(calibrated[:, None], mount, identity),
        yaw_rad=np.where(calibrated, yaw_rad, 0.0),
        front_rad=float(np.arctan2(ahead[1], ahead[0])),
        calibrated=calibrated,
        stillness_rad_s=stillness,
    )


def seen_up(orientation: NDArray[np.floating], valid: NDArray[np.bool_]) -> FloatArray:
    """(S, 3) unit vectors, the vertical in each sensor's axes, mean over (T, S, 4) orientations to earth."""
    q = rotation.normalise(np.asarray(orientation, dtype=np.float64))
    up_in_sensor = rotation.rotate(rotation.conjugate(q), np.broadcast_to([0.0, 0.0, 1.0], (*q.shape[:-1], 3)))
    return _mean_direction(up_in_sensor, valid)


def _mean_direction(vectors: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
    """Mean unit vector over time, (T, S, 3) -> (S, 3); up for a sensor that was never valid."""
    total = np.sum(vectors * valid[..., None], axis=0)
    norm = np.linalg.norm(total, axis=-1, keepdims=True)
    return np.where(norm > 1e-6, total / np.maximum(norm, 1e-6), [0.0, 0.0, 1.0])
