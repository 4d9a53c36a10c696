"""All that an estimator is told: what sensors gave, and what was done so that it may learn its wearer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_inference.errors import LayoutMismatchError
from face_model import observability
from face_model.routine import Cue
from imu_sim.recording import Recording

NEUTRAL_S = 2.0
"""How long a wearer is asked to relax."""


@dataclass(frozen=True)
class Signals:
    """What `S` sensors gave in `T` samples; of the face itself only when it was relaxed.

    Attributes:
        take: name.
        rate_hz: samples per second.
        sensor_names: `S` names in the order of the arrays.
        orientation: (T, S, 4) quaternion x, y, z, w, sensor axes to an earth frame with z up; headings are arbitrary,
            differ from take to take, and drift.
        angular_velocity: (T, S, 3) rad/s, sensor axes.
        specific_force: (T, S, 3) m/s2, sensor axes; +9.81 on the axis that points up at rest.
        valid: (T, S) whether a sensor's sample can be used; none is where a frame got lost.
        neutral: the rows in which the wearer, asked for it, relaxed the face and kept still.
    """

    take: str
    rate_hz: float
    sensor_names: tuple[str, ...]
    orientation: NDArray[np.float32]
    angular_velocity: NDArray[np.float32]
    specific_force: NDArray[np.float32]
    valid: NDArray[np.bool_]
    neutral: slice

    @property
    def seconds(self) -> float:
        """Length of the take, s."""
        return len(self.valid) / self.rate_hz

    @classmethod
    def of(cls, recording: Recording, reference: str, duration_s: float = NEUTRAL_S) -> Signals:
        """Without the truth.

        Args:
            recording: a take.
            reference: name of the sensor on the skull.
            duration_s: of the neutral.

        Raises:
            LayoutMismatchError: there is no such sensor.
        """
        if reference not in recording.sensor_names:
            raise LayoutMismatchError(
                f"expected sensor {reference!r} in take {recording.take}, found {', '.join(recording.sensor_names)}"
            )
        return cls(
            recording.take,
            recording.rate_hz,
            recording.sensor_names,
            recording.orientation,
            recording.angular_velocity,
            recording.specific_force,
            recording.valid,
            neutral_window(recording, recording.sensor_names.index(reference), duration_s),
        )


def neutral_window(recording: Recording, reference: int, duration_s: float = NEUTRAL_S) -> slice:
    """The `duration_s` in which the true face is most neutral and the skull most still.

    A live wearer is asked to relax; in a recorded take the truth tells when that was. It costs nothing to score each
    window with running sums: mean absolute observable weight plus the skull's mean angular rate (rad/s). `reference` is
    the skull unit's index in the recording.
    """
    length = min(max(2, round(duration_s * recording.rate_hz)), len(recording.valid))
    face = np.abs(recording.weights[:, list(observability.OBSERVABLE)]).mean(axis=1)
    if recording.seen is not None:
        face = np.where(recording.seen, face, 1.0)  # what nobody saw may be anything
    rate = np.linalg.norm(recording.angular_velocity[:, reference], axis=-1)
    cost = np.concatenate([[0.0], np.cumsum(face + rate, dtype=np.float64)])
    start = int(np.argmin(cost[length:] - cost[:-length]))
    return slice(start, start + length)


@dataclass(frozen=True)
class Prompted:
    """The guided routine: what sensors gave while the wearer was asked for one pose after the other.

    Attributes:
        take: begins with the routine.
        cues: what was asked for and when, s from its first sample; how far the wearer went is not known.
    """

    take: Signals
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class Labelled:
    """Natural motion in front of a camera.

    Attributes:
        take: what sensors gave.
        time_s: (P,) of the camera's pictures.
        weights: (P, 52) that the camera saw.
        same_clock: whether these times count from the take's first sample; else from anywhere within two seconds of
            it, and the weights err as a phone's do.
    """

    take: Signals
    time_s: NDArray[np.float64]
    weights: NDArray[np.float32]
    same_clock: bool


@dataclass(frozen=True)
class Calibration:
    """What an estimator may learn a wearer from, with the boards glued on as they are in the takes to come.

    Attributes:
        state: what it is called, see `face_evaluation.states`.
        routine: the guided routine; None: it was not done.
        wear: unlabelled takes, during which the wearer did anything.
        labelled: natural motion in front of a camera; None: there was none.
    """

    state: str = "neutral"
    routine: Prompted | None = None
    wear: tuple[Signals, ...] = ()
    labelled: Labelled | None = None
