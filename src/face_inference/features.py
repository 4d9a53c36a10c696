"""IMU frames to feature vectors: what the skin does relative to the skull, in `face_head` axes.

One function computes one frame or a stretch of a take alike, so streaming and training cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from face_inference.channels import Channels
from face_inference.errors import InferenceError
from face_inference.heading_filter import HeadingFilter, HeadingParams, HeadingState, turn_between
from face_inference.mounts import NominalMounts
from face_inference.neutral import Neutral
from face_inference.quaternion_matrices import left_matrix, right_matrix
from face_inference.skin_motion import AT_REST, Coefficients, SkinMotion, about_vertical
from face_model import rotation
from face_model.saved_arrays import Arrays, SavedArrays, part_of

FloatArray = NDArray[np.floating]

TRUSTED_HEADING_RAD = float(np.deg2rad(4.0))
"""Up to this standard deviation headings are as in training; simulated wear is beyond it 0.2 % of the time."""

_IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])

_MOST_TURN_RAD = 0.35
"""Skin turns by less against the skull about the vertical; a unit that was away and came back with more began anew."""

_LEAST_UPRIGHT = 0.88
"""Cosine of 28 degrees: where half of the sensors are tilted further against the skull, they sit elsewhere now."""


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


class FeatureExtractor:
    """Features of `S` sensors: see `Channels` for their order and `state` for saving and restoring.

    Attributes:
        mounts: where the model expects the sensors.
        channels: of the features.
        params: what is believed of a sample.
        heading_trust: 1 while all headings are known to `TRUSTED_HEADING_RAD`, less where the heading filter knows
            them less well: what a confidence is multiplied by.
        fits: False once headings began anew and the neutral is not that of these sensors as they sit now.
    """

    def __init__(
        self,
        mounts: NominalMounts,
        params: Params | None = None,
        rate_hz: float = 100.0,
        heading: HeadingParams | None = None,
    ) -> None:
        """For these sensors.

        Args:
            mounts: where a model expects them.
            params: what is believed of a sample.
            rate_hz: of the frames to come; the heading correction needs to know.
            heading: what is believed of headings and mountings.
        """
        self.mounts = mounts
        self.channels = Channels.of(mounts)
        self.params = p = params or Params()
        # Squared norms of quaternion, rate and force between which a sample is believed.
        self._least = np.array([1.0 - 2.0 * p.max_norm_error, -1.0, -1.0])
        self._most = np.array([1.0 + 2.0 * p.max_norm_error, p.max_rate_rad_s**2, p.max_force_m_s2**2])
        self._order = np.array([mounts.reference, *mounts.skin], dtype=np.intp)
        self._in_order = mounts.reference == 0  # as in the shipped layouts
        self._sensor_of = np.argsort(self._order)[self.channels.sensor_of]
        self._heading = HeadingFilter(self.channels.skin_count, rate_hz, heading)
        self._work: dict[int, SkinMotion] = {}
        self._neutral: Neutral | None = None
        self._coefficients: Coefficients | None = None
        self.heading_trust = 1.0
        self._to_head: FloatArray = np.zeros(0)
        self._to_neutral: FloatArray | None = None
        self._from_reference = right_matrix(rotation.conjugate(mounts.orientation[mounts.reference]))
        self._reference_mount: FloatArray = mounts.orientation[mounts.reference]
        self._begun_anew: NDArray[np.bool_] = np.zeros(len(mounts.names), np.bool_)
        self._suspected = self._begun_anew.copy()
        self.fits = True

    @property
    def state(self) -> State:
        """To be saved."""
        return State(self._neutral, self._heading.state)

    @state.setter
    def state(self, state: State) -> None:
        self._neutral = state.neutral
        self._heading.state = state.heading or self._fresh(state.neutral)
        self._begun_anew = np.zeros(self.channels.sensors, np.bool_)
        self._suspected = self._begun_anew.copy()
        self.fits = True
        self._coefficients = None
        mount: FloatArray = self.mounts.orientation
        front_rad = 0.0
        if state.neutral is not None:
            mount, front_rad = state.neutral.mount, state.neutral.front_rad
            self._coefficients = Coefficients.of(state.neutral, self.mounts.position_m, self._order)
            self._correct(self._coefficients)
        self._reference_mount = mount[self.mounts.reference]
        self._face(front_rad)

    def _face(self, front_rad: float) -> None:
        ahead = left_matrix(rotation.from_vector(np.array([0.0, 0.0, -front_rad])))
        self._from_reference = ahead @ right_matrix(rotation.conjugate(self._reference_mount))

    def headings_began_anew(self, sensors: NDArray[np.bool_], *, perhaps: bool = False) -> None:
        """These sensors (S,) have other headings now, as after a restart; with the reference among them all have.

        At the next sample with them their headings are what the neutral makes of the face as it is then, and follow
        its average over the next seconds; mountings and all else of the neutral stay. No neutral, nothing happens.

        Args:
            sensors: which.
            perhaps: only of those that turned further about the vertical than skin does.
        """
        if self._neutral is None:
            return
        sensors = sensors | sensors[self.mounts.reference]
        if perhaps:
            self._suspected = self._suspected | sensors
        else:
            self._begun_anew = self._begun_anew | sensors

    def keep_front(self, head_before: NDArray[np.floating], reference_orientation: NDArray[np.floating]) -> None:
        """The skull unit has a new heading: from now on the head looks where it looked before, `head_before` (4,).

        `reference_orientation` as in `head_orientation`. Nobody knows how the head turned meanwhile.
        """
        neutral = self._neutral
        if neutral is None:
            return
        turned = _heading_of(self.head_orientation(reference_orientation)) - _heading_of(head_before)
        self._neutral = replace(neutral, front_rad=float(np.remainder(neutral.front_rad + turned, 2.0 * np.pi)))
        self._face(self._neutral.front_rad)

    def saved_state(self) -> Arrays:
        """`state` as arrays, for `restore_state`."""
        arrays = part_of("heading", self._heading.state.saved_state())
        if self._begun_anew.any() or self._suspected.any():
            arrays["doubted"] = np.stack([self._begun_anew, self._suspected])
        if self._neutral is not None:
            arrays |= part_of("neutral", self._neutral.saved_state())
        return arrays

    def restore_state(self, saved: SavedArrays) -> None:
        """Continue from `saved_state`; the mounts and the rate must be the same.

        Raises:
            SnapshotError: it is damaged, or of other sensors or another rate; nothing has changed then.
        """
        sensors = self.channels.sensors
        neutral = Neutral.from_saved(saved.part("neutral"), sensors) if saved.has_part("neutral") else None
        heading = self._heading.saved(saved.part("heading"))
        doubted = saved.array("doubted", (2, sensors), "b1") if "doubted" in saved else None
        saved.end()
        self.state = State(neutral, heading)
        if doubted is not None:
            self._begun_anew, self._suspected = doubted

    def remount(self, neutral: Neutral) -> None:
        """Use the same neutral with the boards' mountings known otherwise: the headings' drift stays."""
        known = neutral.turn_deviation_rad
        heading = self._heading.remounted(None if known is None else known[self._order[1:]])
        self.state = State(neutral, heading)

    @property
    def ready(self) -> bool:
        """Whether a neutral is known."""
        return self._coefficients is not None

    @property
    def heading_deviation_rad(self) -> FloatArray:
        """(K,) standard deviation of each skin sensor's heading against the skull, as the heading filter believes."""
        deviation: FloatArray = self._heading.deviation_rad[1]
        return deviation

    @property
    def mounting_turn_rad(self) -> FloatArray:
        """(K,) about the vertical, from the mountings that the neutral took to those that are used."""
        return self._heading.turn

    def head_orientation(self, reference_orientation: NDArray[np.floating]) -> FloatArray:
        """(4,) quaternion of the skull unit, sensor to earth -> (4,) `face_head` to earth.

        Once a neutral is known, heading zero is where the wearer looked then.
        """
        norm = float(np.sqrt(np.dot(reference_orientation, reference_orientation)))
        if norm < 1e-6:
            return _IDENTITY.copy()
        head: FloatArray = self._from_reference @ reference_orientation / norm
        return head

    def head_rate(self, reference_rate: NDArray[np.floating]) -> NDArray[np.float64]:
        """(3,) rad/s, angular velocity of the skull unit in its own axes -> in `face_head` axes."""
        return np.asarray(rotation.rotate(self._reference_mount, reference_rate), dtype=np.float64)

    def step(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """One frame: (S, 4), (S, 3) rad/s, (S, 3) m/s2, (S,) bool -> (F,).

        Raises:
            InferenceError: no neutral was set.
        """
        row: NDArray[np.float32] = self._features(
            orientation[None], angular_velocity[None], specific_force[None], valid[None]
        )[0]
        return row

    def batch(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """A take: (T, S, 4), (T, S, 3) rad/s, (T, S, 3) m/s2, (T, S) bool -> (T, F).

        Raises:
            InferenceError: no neutral was set.
        """
        return self.batch_and_trust(orientation, angular_velocity, specific_force, valid)[0]

    def batch_and_trust(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float32], FloatArray]:
        """As `batch`, and (T,) `heading_trust` after each frame.

        Raises:
            InferenceError: no neutral was set.
        """
        features = np.empty((len(valid), self.channels.size), dtype=np.float32)
        trust = np.empty(len(valid))
        start = 0
        while start < len(valid):
            # As many as share one correction of heading.
            rows = slice(start, min(start + self._heading.remaining, len(valid)))
            trust[rows] = self.heading_trust
            features[rows] = self._features(
                orientation[rows], angular_velocity[rows], specific_force[rows], valid[rows]
            )
            trust[rows.stop - 1] = self.heading_trust
            start = rows.stop
        return features, trust

    def _features(
        self,
        orientation: NDArray[np.floating],
        angular_velocity: NDArray[np.floating],
        specific_force: NDArray[np.floating],
        valid: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """(N, F) of N frames, at most `HeadingFilter.remaining`."""
        c = self._coefficients
        if c is None:
            raise InferenceError("expected a neutral before features are computed, found none; calibrate first")
        count = len(valid)
        work = self._work.get(count)
        if work is None:
            work = self._work[count] = SkinMotion(count, self.channels)
        valid = valid & c.calibrated
        if not self._in_order:
            order = self._order
            orientation, angular_velocity = orientation[:, order], angular_velocity[:, order]
            specific_force, valid = specific_force[:, order], valid[:, order]
        work.orientation[:] = orientation
        work.angular_velocity[:] = angular_velocity
        work.specific_force[:] = specific_force
        work.measure()
        mask = self._believable(work, valid)
        whole = np.count_nonzero(mask) == mask.size
        if not whole:
            hidden = ~mask
            work.sample[hidden] = AT_REST
            work.squares[hidden] = 1.0
        work.compute(c, self._to_head, self._to_neutral)
        doubtful = self._begun_anew.any() or self._suspected.any()
        if doubtful and self._find_headings(work.head[0], work.upright[0], mask[0], c):
            work.compute(c, self._to_head, self._to_neutral)
        features = work.features.astype(np.float32)
        if not whole:
            features *= mask[:, self._sensor_of]
        if self._heading.add(work.head, work.rate, work.upright, mask[:, 1:]):
            self._correct(c)
        return features

    def _believable(self, work: SkinMotion, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """`valid` (N, S) without the samples that are not finite, out of range or no rotation."""
        # NaN compares false, so these tests cover NaN, Inf and range.
        good = (work.squares > self._least) & (work.squares < self._most)
        if np.count_nonzero(good) != good.size:
            valid = valid & good.all(axis=-1)
        # Without the skull nothing can be told apart from head motion.
        mask: NDArray[np.bool_] = valid & valid[:, :1]
        return mask

    def _fresh(self, neutral: Neutral | None) -> HeadingState:
        """Of the heading filter, at the moment of a neutral."""
        known = None if neutral is None else neutral.turn_deviation_rad
        return self._heading.fresh(None if known is None else known[self._order[1:]])

    def _correct(self, c: Coefficients) -> None:
        """Turn each skin sensor's heading and mounting about the vertical by what the heading filter found.

        With the mounting as it is, no tilt of the head leaks into what the skin does. The features are turned back to
        the axes that the neutral assumed: those in which the wearer was learned (see `heading_filter`).
        """
        turn, deviation = self._heading.turn, np.maximum(self._heading.deviation_rad[1], 1e-9)
        self.heading_trust = float(np.minimum(1.0, TRUSTED_HEADING_RAD / deviation).mean())
        self._to_head = c.turned(self._heading.drift, turn)
        self._to_neutral = about_vertical(turn) if turn.any() else None

    def _find_headings(self, head: FloatArray, upright: FloatArray, mask: NDArray[np.bool_], c: Coefficients) -> bool:
        """Of the sensors that began anew, as far as they are there; whether headings changed."""
        there = np.zeros(self.channels.sensors, np.bool_)
        there[self._order] = mask
        skin = self._order[1:]
        leapt = self._suspected[skin] & (np.abs(turn_between(head)) > _MOST_TURN_RAD)
        anew = self._begun_anew[skin] & mask[1:]
        found = anew | (leapt & mask[1:])
        self._begun_anew, self._suspected = self._begun_anew & ~there, self._suspected & ~there
        if not found.any():
            return False
        # Gravity does not depend on headings: the same boards in the same places see it as they did.
        self.fits = not anew.any() or bool(np.median(upright[anew]) > _LEAST_UPRIGHT)
        self._heading.begin_anew(found, head)
        self._correct(c)
        return True


def _heading_of(head: NDArray[np.floating]) -> float:
    """Where a head (4,), `face_head` to earth, looks about the vertical, rad."""
    ahead = rotation.rotate(np.asarray(head, dtype=np.float64), np.array([1.0, 0.0, 0.0]))
    return float(np.arctan2(ahead[1], ahead[0]))
