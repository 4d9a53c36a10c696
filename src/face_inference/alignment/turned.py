"""What is known of a wearer, carried over to mountings that are known better.

An observation of a sensor is a rotation vector in head axes as its mounting has them: a mounting that turns about the
vertical turns it along.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from face_inference.wearer.evidence import Evidence
from face_inference.wearer.observations import Observations
from face_inference.wearer.prior import WearerJacobian
from face_inference.wearer.profile import WearerProfile
from face_model import rotation

FloatArray = NDArray[np.floating]


def turning(turn_rad: FloatArray, skin: tuple[int, ...]) -> FloatArray:
    """(3 K, 3 K) what happens to an observation as mountings (S,) turn about the vertical; `skin`: K indices of S."""
    count = len(skin)
    about = np.zeros((count, 3))
    about[:, 2] = np.asarray(turn_rad, dtype=np.float64)[list(skin)]
    whole = np.zeros((count, 3, count, 3))
    whole[np.arange(count), :, np.arange(count)] = rotation.to_matrix(rotation.from_vector(about))
    return whole.reshape(3 * count, 3 * count)


def turned_wearer(known: WearerJacobian, turn: FloatArray) -> WearerJacobian:
    """`turn` as `turning` gives it. Of people in general nothing is turned: their boards sit as anybody's."""
    if known.source == "population":
        return known
    return replace(
        known,
        mean=turn @ known.mean,
        uncertainty=_covariance(turn, known.uncertainty),
        noise=None if known.noise is None else _covariance(turn, known.noise),
        labelled_noise=None if known.labelled_noise is None else _covariance(turn, known.labelled_noise),
        evidence=None if known.evidence is None else _evidence(turn, known.evidence),
    )


def turned_profile(profile: WearerProfile, turn: FloatArray) -> WearerProfile:
    """The same wearer, as learned with the other mountings."""
    return replace(
        profile,
        jacobian=turned_wearer(profile.jacobian, turn),
        worn=None if profile.worn is None else turned_wearer(profile.worn, turn),
        routine=None if profile.routine is None else _observations(turn, profile.routine),
    )


def _covariance(turn: FloatArray, covariance: FloatArray) -> FloatArray:
    turned = turn @ covariance @ turn.T
    return 0.5 * (turned + turned.T)


def _evidence(turn: FloatArray, evidence: Evidence) -> Evidence:
    return Evidence(turn @ evidence.inverse_noise @ turn.T, evidence.moment, turn @ evidence.cross)


def _observations(turn: FloatArray, observed: Observations) -> Observations:
    values = (observed.values @ turn.T).astype(np.float32)
    return replace(observed, values=np.where(observed.valid, values, observed.values))
