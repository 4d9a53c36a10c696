"""How a face moves: ARKit weights and the head's pose over time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_model import arkit, rotation
from imu_sim.errors import MotionError

Floats = NDArray[np.float64]

IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


def ease(x: Floats) -> Floats:
    """Minimum-jerk step from 0 to 1 for `x` from 0 to 1, flat outside.

    Source: Flash and Hogan, "The coordination of arm movements", 1985 (zero velocity and acceleration at both ends).
    """
    x = np.clip(x, 0.0, 1.0)
    eased: Floats = x * x * x * (10.0 + x * (6.0 * x - 15.0))
    return eased


@dataclass(frozen=True)
class FaceMotion:
    """One take of `T` samples at a constant rate, the first at time 0.

    Attributes:
        rate_hz: samples per second.
        weights: (T, 52) ARKit weights in `arkit.BLENDSHAPES` order, 0 neutral, 1 full; real takes pass 1 slightly.
        head_orientation: (T, 4) quaternion x, y, z, w, `face_head` to an earth frame with z up.
        head_position: (T, 3) origin of `face_head` in the earth frame, m.
        name: of the take.
        person: whose face moved; data is split by person.

    Raises:
        MotionError: shapes disagree, fewer than two samples, or a value is not finite.
    """

    rate_hz: float
    weights: Floats
    head_orientation: Floats
    head_position: Floats
    name: str = "unnamed"
    person: str = "nobody"

    def __post_init__(self) -> None:
        count = len(self.weights)
        expected = {"weights": (count, arkit.COUNT), "head_orientation": (count, 4), "head_position": (count, 3)}
        for name, shape in expected.items():
            found = getattr(self, name)
            if found.shape != shape:
                raise MotionError(f"motion {self.name}: expected {name} of shape {shape}, found {found.shape}")
            if not np.isfinite(found).all():
                raise MotionError(f"motion {self.name}: expected finite {name}, found NaN or infinity")
        if count < 2 or not self.rate_hz > 0.0:
            raise MotionError(
                f"motion {self.name}: expected two samples or more and a positive rate, "
                f"found {count} samples at {self.rate_hz} Hz"
            )

    @property
    def samples(self) -> int:
        """Number of samples `T`."""
        return len(self.weights)

    @property
    def duration_s(self) -> float:
        """Time from the first sample to the last, s."""
        return (self.samples - 1) / self.rate_hz

    @property
    def loops(self) -> bool:
        """Whether the last sample equals the first, so that the take can be repeated without a jump."""
        return bool(
            np.allclose(self.weights[0], self.weights[-1], atol=1e-9)
            and np.allclose(self.head_position[0], self.head_position[-1], atol=1e-9)
            and abs(float(np.dot(self.head_orientation[0], self.head_orientation[-1]))) > 1.0 - 1e-12
        )

    def resampled(self, rate_hz: float) -> FaceMotion:
        """The same motion at another rate: linear in weights and position, normalised linear in orientation.

        The duration is rounded to whole samples of the new rate by stretching time by less than one sample, so that
        the first and the last sample stay what they were.
        """
        if rate_hz == self.rate_hz:
            return self
        count = max(2, round(self.duration_s * rate_hz) + 1)
        position = np.linspace(0.0, self.samples - 1.0, count)
        low = np.minimum(position.astype(np.int64), self.samples - 2)
        share = (position - low)[:, None]

        def between(values: Floats) -> Floats:
            return np.asarray(values[low] * (1.0 - share) + values[low + 1] * share)

        orientation = rotation.normalise(between(continuous(self.head_orientation)))
        return replace(
            self,
            rate_hz=float(rate_hz),
            weights=between(self.weights),
            head_orientation=orientation.astype(np.float64),
            head_position=between(self.head_position),
        )

    def faded(self, fade_s: float = 0.6, rest_s: float = 0.3) -> FaceMotion:
        """The motion made to start and end in neutral, head level at the origin, so that it loops without a jump.

        Args:
            fade_s: length of the fade at each end, s; halved where the take is shorter than four fades.
            rest_s: neutral rest added before the first and after the last sample, s.
        """
        fade_s = min(fade_s, self.duration_s / 4.0)
        times = np.arange(self.samples) / self.rate_hz
        share = (ease(times / fade_s) * ease((self.duration_s - times) / fade_s))[:, None]
        # The heading that the take started with is arbitrary: it becomes straight ahead.
        turn = rotation.multiply(
            np.broadcast_to(_heading_inverse(self.head_orientation[0]), (self.samples, 4)), self.head_orientation
        )
        rest = round(rest_s * self.rate_hz)
        padding = ((rest, rest), (0, 0))
        orientation = rotation.from_vector(rotation.to_vector(turn) * share)
        position = rotation.rotate(
            _heading_inverse(self.head_orientation[0]), self.head_position - self.head_position[0]
        )
        orientation = np.concatenate([np.tile(IDENTITY, (rest, 1)), orientation, np.tile(IDENTITY, (rest, 1))])
        return replace(
            self,
            weights=np.pad(self.weights * share, padding),
            head_orientation=np.asarray(orientation, dtype=np.float64),
            head_position=np.pad(position * share, padding),
        )

    def mirrored(self) -> FaceMotion:
        """The mirror image: left and right swapped in face and head."""
        return replace(
            self,
            weights=self.weights[:, list(arkit.MIRROR)],
            # A reflection in the x-z plane keeps the rotation about y and reverses those about x and z.
            head_orientation=self.head_orientation * np.array([-1.0, 1.0, -1.0, 1.0]),
            head_position=self.head_position * np.array([1.0, -1.0, 1.0]),
            name=f"{self.name}_mirrored",
        )


def continuous(quaternions: Floats) -> Floats:
    """The same rotations, (T, 4), with signs chosen so that neighbours are near each other."""
    dots = np.sum(quaternions[1:] * quaternions[:-1], axis=-1)
    signs = np.cumprod(np.where(dots < 0.0, -1.0, 1.0))
    return np.asarray(quaternions * np.concatenate([[1.0], signs])[:, None])


def still(duration_s: float, rate_hz: float = 60.0, weights: Floats | None = None, name: str = "still") -> FaceMotion:
    """A head that does not move, with constant `weights` (52,) or neutral."""
    count = max(2, round(duration_s * rate_hz) + 1)
    held = np.zeros(arkit.COUNT) if weights is None else np.asarray(weights, dtype=np.float64)
    return FaceMotion(rate_hz, np.tile(held, (count, 1)), np.tile(IDENTITY, (count, 1)), np.zeros((count, 3)), name)


def _heading_inverse(quaternion: Floats) -> Floats:
    # Swing-twist decomposition about z: the twist is the part of the quaternion along z.
    twist = np.array([0.0, 0.0, -quaternion[2], quaternion[3]])
    return np.asarray(rotation.normalise(twist), dtype=np.float64)
