"""`imusic bench headings`: how far each sensor's heading against the skull is off in long wear, and what is claimed.

Synthetic: generated performances with head motion, boards glued on by hand, sensors that err as their data sheet says,
orientations fused without magnetometers by the hub. The neutral is that of the first seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_evaluation.motions import UNSEEN_SUBJECT
from face_evaluation.sources import LAYOUT, PLACEMENT_M
from face_inference.features import TRUSTED_HEADING_RAD, FeatureExtractor, State
from face_inference.heading_filter import HeadingParams
from face_inference.model_folder import load_model
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral, solve_neutral
from face_model import rotation
from face_model.faces import HEAD
from face_model.layout import load_layout
from imu_sim.chips.parts import load_part
from imu_sim.families import load_family
from imu_sim.generator import generate
from imu_sim.imu_stream import ImuStream
from imu_sim.kinematics import Trajectory
from imu_sim.mounted_boards import board_orientation, boards_on
from imu_sim.splines import Sampling
from imu_sim.subject import random_subject

WANTED_DEG = 2.0
"""Largest root mean square error over all sensors and the whole time."""

RATE_HZ = 100.0
NEUTRAL_S = 1.0
"""A generated performance begins with at least so much rest."""

_CHUNK_S = 10.0
_LEAST_CLAIM_DEG = 0.3
"""Less is not asked for: a claim of nothing, as at the neutral, would be infinitely wrong."""

_NOTHING_KNOWN = HeadingParams(wobble_rad_s=1e6, turn_rad=1e6)
"""With which the filter takes nothing back."""


@dataclass(frozen=True)
class HeadingRow:
    """One wearer's headings, degrees.

    Attributes:
        subject: seed of the wearer.
        minutes: of wear.
        rms: error of the headings, root mean square over the skin sensors and the time.
        p95: 95th percentile of its absolute value.
        worst_sensor: root mean square of the sensor that is worst, and `sensor` its name.
        last: root mean square in the last tenth of the time.
        uncorrected: root mean square where nothing is taken back, and `uncorrected_last` in the last tenth.
        claimed: standard deviation that the filter names, root mean square.
        honesty: mean square of the error over that deviation: 1 where it names what is so, more where it claims too
            much; `honesty_worst` of the sensor with the largest.
        distrusted: share of the time and sensors in which it names more than `TRUSTED_HEADING_RAD`.
        rms_trusted: root mean square error in the rest of them.
        turn: root mean square error of the mountings' turns about the vertical at the end, and `turn_glued` of what the
            neutral takes them for.
    """

    subject: str
    minutes: float
    rms: float
    p95: float
    worst_sensor: float
    sensor: str
    last: float
    uncorrected: float
    uncorrected_last: float
    claimed: float
    honesty: float
    honesty_worst: float
    distrusted: float
    rms_trusted: float
    turn: float
    turn_glued: float


def measure_headings(
    minutes: float,
    subjects: int = 1,
    model: str = "imusic",
    face: str = HEAD,
    progress: Callable[[str], object] = lambda _: None,
) -> Iterator[HeadingRow]:
    """A row for each wearer.

    Raises:
        InferenceError: the model cannot be used.
        FaceModelError: the face cannot be read.
    """
    mounts = load_model(model).description.mounts
    for seed in (UNSEEN_SUBJECT + i for i in range(subjects)):
        wear = _Wear(seed, minutes, mounts, face)
        yield _row(wear, [np.concatenate(found) for found in zip(*wear.errors(progress), strict=True)])


class _Wear:
    """One simulated wearer, whose headings two filters follow: the shipped one, and one that takes nothing back.

    Args:
        seed: of the wearer.
        minutes: of wear.
        mounts: of the model.
        face: family of the face.
    """

    def __init__(self, seed: int, minutes: float, mounts: NominalMounts, face: str) -> None:
        layout = load_layout(LAYOUT)
        self.seed, self.minutes, self.mounts = seed, minutes, mounts
        self._order = [layout.names.index(name) for name in mounts.names]
        trajectory = Trajectory(generate(seed, 60.0 * minutes))
        subject = random_subject(load_family(face), layout, seed, placement_m=PLACEMENT_M)
        self._boards = boards = boards_on(subject, layout)
        self._stream = ImuStream(trajectory, boards, load_part(), RATE_HZ, seed)
        self._moving = boards.moving(trajectory.weight_spline, Sampling(0.0, RATE_HZ))
        self._mounted = boards.neutral_orientation[self._order]
        self.filters = FeatureExtractor(mounts), FeatureExtractor(mounts, heading=_NOTHING_KNOWN)
        self.skin = self.filters[0].channels.skin
        self.turn = np.zeros(len(self.skin))

    def errors(
        self, progress: Callable[[str], object]
    ) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        """Of each part of the wear: (N, K) error of the one and of the other filter, and what the first one claims of
        each of these rows, degrees."""
        total, chunk = round(60.0 * self.minutes * RATE_HZ), round(_CHUNK_S * RATE_HZ)
        for start in range(0, total, chunk):
            count = min(chunk, total - start)
            frames = self._stream.next(count)
            pose, rates, forces = (
                a[:, self._order] for a in (frames.orientation, frames.angular_velocity, frames.specific_force)
            )
            valid = np.ones(pose.shape[:2], dtype=np.bool_)
            if not start:
                self._learn_neutral(pose, rates, valid)
            truth = self._true_rotations(start, count)
            error, plain = (_off(f, f.batch(pose, rates, forces, valid), truth) for f in self.filters)
            yield error, plain, np.tile(np.degrees(self.filters[0].heading_deviation_rad), (count, 1))
            done_s = (start + count) / RATE_HZ
            if done_s % 60.0 < _CHUNK_S:
                progress(f"subject {self.seed}, {done_s / 60.0:.0f} min")

    def _learn_neutral(self, pose: Any, rates: Any, valid: NDArray[np.bool_]) -> None:
        still = slice(0, round(NEUTRAL_S * RATE_HZ))
        neutral = solve_neutral(self.mounts, pose[still], rates[still], valid[still])
        assert neutral is not None
        for extractor in self.filters:
            extractor.state = State(neutral)
        self.turn = _turns(neutral, self._mounted, self.mounts.reference)[self.skin]

    def _true_rotations(self, start: int, count: int) -> NDArray[np.float64]:
        """(N, K, 4) how each board is turned, in the axes in which the neutral takes it to be mounted."""
        posed = board_orientation(self._moving(start, count), self._boards.attachment.mount)[:, self._order]
        true_rotation = rotation.to_vector(_relative(posed, self._mounted)[:, self.skin])
        about = rotation.from_vector(np.outer(-self.turn, [0.0, 0.0, 1.0]))
        turned = rotation.rotate(np.broadcast_to(about, (*true_rotation.shape[:2], 4)), true_rotation)
        return np.asarray(rotation.from_vector(turned))


def _off(extractor: FeatureExtractor, features: NDArray[np.float32], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, K) degrees about the vertical between what features tell of each board's rotation and the truth."""
    channels = extractor.channels
    vectors = features[:, channels.skin_block("rotation")].reshape(len(features), -1, 3).astype(np.float64)
    off = rotation.multiply(rotation.from_vector(vectors), rotation.conjugate(truth))
    up = features[:, channels.gravity].astype(np.float64)
    return np.asarray(np.degrees(np.sum(rotation.to_vector(off) * up[:, None], axis=-1)))


def _row(wear: _Wear, found: Sequence[NDArray[np.float64]]) -> HeadingRow:
    error, plain, rows = found
    trusted, last = rows <= np.degrees(TRUSTED_HEADING_RAD), slice(-max(1, len(error) // 10), None)
    each = _rms(error, 0)
    # At the neutral headings are known but for what one sample says.
    honesty = np.mean(np.square(error / np.maximum(rows, _LEAST_CLAIM_DEG)), axis=0)
    return HeadingRow(
        str(wear.seed),
        wear.minutes,
        float(_rms(error)),
        float(np.quantile(np.abs(error), 0.95)),
        float(each.max()),
        wear.mounts.names[wear.skin[int(np.argmax(each))]],
        float(_rms(error[last])),
        float(_rms(plain)),
        float(_rms(plain[last])),
        float(_rms(rows)),
        float(honesty.mean()),
        float(honesty.max()),
        float(1.0 - trusted.mean()),
        float(_rms(error[trusted])) if trusted.any() else 0.0,
        float(np.degrees(_rms(wear.filters[0].mounting_turn_rad - wear.turn))),
        float(np.degrees(_rms(wear.turn))),
    )


def _rms(values: NDArray[np.floating], axis: int | None = None) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.mean(np.square(values), axis=axis)))


def _turns(neutral: Neutral, mounted: NDArray[np.floating], reference: int) -> NDArray[np.float64]:
    """(S,) rad about the vertical from the mountings that the neutral took to the true ones, against the skull's."""
    error = rotation.multiply(mounted, rotation.conjugate(neutral.mount))
    turn = rotation.about_vertical(error)
    return rotation.wrapped(turn - turn[reference])


def _relative(pose: NDArray[np.floating], mounted: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, S, 4) sensor to `face_head` -> how each board is turned from where it sits on a neutral face."""
    return np.asarray(rotation.multiply(pose, rotation.conjugate(mounted)[None]))
