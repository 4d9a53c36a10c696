"""What the skin did in a recording of frames: the observations that profiles and alignments are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.errors import WearerError
from face_inference.face_estimate import InputLayout
from face_inference.features import FeatureExtractor, State
from face_inference.model_folder import ModelDescription
from face_inference.neutral import Neutral
from face_inference.neutral_calibration import NeutralCalibration
from face_inference.sample_check import SampleCheck
from face_inference.sensor_match import SensorMatch
from face_inference.wearer.observations import Observations
from face_model.imu_sample import ImuSample


def recorded_observations(
    time_s: NDArray[np.floating],
    samples: Sequence[ImuSample],
    layout: InputLayout,
    description: ModelDescription,
    alignment: SensorAlignment | None = None,
) -> Observations:
    """Observations of samples (T) at increasing times (T,), s, of a hub that did not start anew meanwhile.

    The neutral is learned as a live tracker learns it: from the first moments in which face and head are still, or,
    where there are none, from the stillest. Which rest that is matters little, as learning takes all relative to its
    mean. `alignment`: how the sensors were mounted, where a profile tells; gravity says whether it holds.

    Raises:
        LayoutMismatchError: the model's reference sensor is not in the layout.
        WearerError: no moment tells a neutral.
    """
    match = SensorMatch(description)
    match.follow(layout)
    usable = [(at, sample) for at, sample in zip(time_s, samples, strict=True) if match.fits(sample)]
    extractor = FeatureExtractor(description.mounts, rate_hz=layout.rate_hz)
    extractor.state = State(_neutral(usable, match, description, alignment))
    check = SampleCheck(len(description.mounts.names))
    features = np.empty((len(usable), extractor.channels.size), dtype=np.float32)
    for row, (_, sample) in enumerate(usable):
        orientation, rates, forces, claimed = match.in_model_order(sample)
        status = match.status_in_model_order(sample)
        valid = check.usable(sample.hub_time_s, orientation, rates, status, claimed)
        features[row] = extractor.step(orientation, rates, forces, valid)
    return Observations.of(features, extractor.channels, np.array([at for at, _ in usable], dtype=np.float64))


def _neutral(
    usable: Sequence[tuple[float, ImuSample]],
    match: SensorMatch,
    description: ModelDescription,
    alignment: SensorAlignment | None,
) -> Neutral:
    calibration = NeutralCalibration(description.mounts, automatic=True, alignment=alignment)
    for at_s, sample in usable:
        orientation, rates, _, valid = match.in_model_order(sample)
        good = valid & np.isfinite(orientation).all(axis=-1) & np.isfinite(rates).all(axis=-1)
        result = calibration.add(
            at_s, np.where(good[:, None], orientation, 0.0), np.where(good[:, None], rates, 0.0), good
        )
        if result is not None and result.neutral is not None:
            return result.neutral
    raise WearerError(
        f"expected two still seconds of a relaxed face among {len(usable)} frames, found none"
        f"{': ' + calibration.problem if calibration.problem else ''}; record it again, beginning with a still face"
    )
