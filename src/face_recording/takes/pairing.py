"""A take and a camera's view of the same face, brought onto one clock: what learning from a phone needs.

The camera's weights are on the take's own topic `face/reference`, or in a Live Link Face CSV that a phone recorded by
itself. What was found is written to `pairing.yaml` beside the take.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from face_inference.model_folder import ModelDescription
from face_inference.wearer.alignment import expected_track, observed_track
from face_model import arkit
from face_model.lag_search import Track
from face_model.outputs import write_private
from face_model.version import version
from face_recording.bag_reader import FRAMES, REFERENCE
from face_recording.takes.listing import PAIRING_FILE
from face_recording.takes.pairing_camera import Camera, camera_of_csv, camera_of_topic
from face_recording.takes.pairing_sensors import CHIN, Sensed, read_sensed
from face_recording.takes.reading import chosen_namespace, opened
from face_reference.alignment import ClockAlignment, align_faces
from face_reference.errors import AlignmentError
from face_reference.taps import LEAST_TAPS, align_taps, combined, felt_taps, seen_jolts

_TOPIC_LAG_S = 5.0
"""The stamps of `face/reference` are right to within this, whatever the camera's own clock says."""
_LOST_AFTER_S = 0.5
"""Between two pictures with a face: shorter gaps are dropped pictures."""
GOOD_S = 0.004
FAIR_S = 0.015
"""Standard deviation of the offset up to which a pairing is good, or fair, s: labels are taken at 10 Hz."""


@dataclass(frozen=True)
class Pairing:
    """A take and a camera on one clock.

    Attributes:
        sensed: of the take.
        camera: of the reference.
        alignment: of the two; the camera's clock to seconds since `sensed.begins_ns`.
        taps: how many were felt.
        notes: what else is to be said.
    """

    sensed: Sensed
    camera: Camera
    alignment: ClockAlignment
    taps: int
    notes: tuple[str, ...] = ()

    @property
    def camera_times_s(self) -> NDArray[np.float64]:
        """(P,) times of the camera's pictures on the sensors' clock."""
        return self.alignment.to_sensors(self.camera.time_s)

    @property
    def lateness_s(self) -> float:
        """How late the take's stamps of the pictures are, s, by the median; NaN for a CSV."""
        if self.camera.stamps_s is None:
            return math.nan
        return float(np.median(self.camera.stamps_s - self.camera_times_s))

    @property
    def lost_s(self) -> float:
        """For how long the camera saw no face between its first and its last, s."""
        gaps = np.diff(self.camera.time_s[self.camera.seen.any(axis=1)])
        return float(gaps[gaps > _LOST_AFTER_S].sum())

    @property
    def worst_deviation_s(self) -> float:
        """Standard deviation of the mapped time where it is largest, at an end of the recording."""
        return max(self.alignment.deviation_at(float(at)) for at in self.camera.time_s[[0, -1]])

    @property
    def quality(self) -> str:
        """good, fair or poor, by how well the moment is known anywhere in the take."""
        worst = self.worst_deviation_s
        return "good" if worst <= GOOD_S else "fair" if worst <= FAIR_S else "poor"

    def content(self) -> dict[str, Any]:
        """As it stands in `pairing.yaml`."""
        a, camera = self.alignment, self.camera
        unseen = [name for i, name in enumerate(arkit.BLENDSHAPES) if not camera.seen[:, i].any()]
        there = camera.file
        return {
            "source": camera.source,
            "of": f"/{REFERENCE}" if there is None else there.name,
            **({} if there is None else {"sha256": hashlib.sha256(there.read_bytes()).hexdigest()}),
            "namespace": self.sensed.namespace,
            "clock": camera.clock,
            "begins_ns": self.sensed.begins_ns,
            "origin_s": round(a.origin_s, 6),
            "offset_s": round(a.offset_s, 6),
            "drift_ppm": round(a.drift_ppm, 2),
            "deviation_s": round(a.deviation_s, 6),
            "drift_deviation_ppm": round(a.drift_deviation_ppm, 2),
            "worst_deviation_s": round(self.worst_deviation_s, 6),
            **({} if math.isnan(self.lateness_s) else {"stamps_late_s": round(self.lateness_s, 6)}),
            "method": a.method,
            "taps": self.taps,
            **{
                key: round(value, 3)
                for key, value in (("correlation", a.correlation), ("lead", a.lead), ("explained", a.explained))
                if math.isfinite(value)
            },
            "seconds": round(a.overlap_s, 2),
            "pictures": camera.pictures,
            "faces": len(camera.time_s),
            "not_seen": unseen,
            "quality": self.quality,
            "notes": list(self.notes),
            "model": self.sensed.model,
            "imusic": version(),
        }

    @property
    def summary(self) -> str:
        """One line for people."""
        late = "" if math.isnan(self.lateness_s) else f"; pictures are {1e3 * self.lateness_s:.0f} ms late in the take"
        # A phone's timecode counts from midnight, the take from its first frame.
        far = "; the offset is large because the camera's clock tells the time of day" if abs(
            self.alignment.offset_s) > 600.0 else ""  # fmt: skip
        return (
            f"{self.quality}: {self.alignment.summary}; {self.alignment.overlap_s:.0f} s of {self.camera.source}, "
            f"correlation {self.alignment.correlation:.2f}{late}{far}"
        )


def pair_take(
    folder: Path,
    description: ModelDescription,
    csv: Path | None = None,
    *,
    wearer: str | None = None,
    namespace: str | None = None,
    fps: float | None = None,
    marks_s: tuple[float, ...] = (),
) -> Pairing:
    """Bring a take and a camera's view onto one clock.

    Args:
        folder: of the take, or one of its files.
        description: of a model whose sensors are in the take.
        csv: Live Link Face CSV of the same face; None: the take's own `face/reference`.
        wearer: whose, where there are several.
        namespace: whose, by ROS namespace.
        fps: of the CSV, where its timecodes do not tell.
        marks_s: times at which the chin unit was tapped, on the camera's clock; empty: jolts of the jaw are looked for.

    Raises:
        NoTakeError, TakeError, BagError: the take cannot be read, or lacks what is needed.
        LiveLinkError: the CSV cannot be used.
        AlignmentError: the two do not show the same face at the same time.
        LayoutMismatchError, WearerError: the take's sensors are not the model's, or there is no neutral.
    """
    with opened(folder) as bag:
        place = chosen_namespace(bag, wearer, namespace, needs=(FRAMES,))
        sensed = read_sensed(bag, place, description)
        camera = (
            camera_of_csv(csv.expanduser(), fps) if csv is not None else camera_of_topic(bag, place, sensed.begins_ns)
        )
    reach_s = _TOPIC_LAG_S
    guess_s = 0.0
    if camera.stamps_s is not None:
        guess_s = float(np.median(camera.stamps_s - camera.time_s))
    else:
        reach_s = float(camera.time_s[-1] - camera.time_s[0] + np.ptp(sensed.time_s))
    near = camera.time_s + guess_s
    alignment, taps, notes = _aligned(sensed, camera, near, description, reach_s, tuple(m + guess_s for m in marks_s))
    # From the guess's clock back to the camera's own.
    own = replace(alignment, origin_s=alignment.origin_s - guess_s, offset_s=alignment.offset_s + guess_s)
    return Pairing(sensed, camera, own, taps, notes)


def write_pairing(folder: Path, pairing: Pairing) -> Path:
    """Write `pairing.yaml` into the folder of a take, for its owner only (0600); raises `OutputError`."""
    path = folder / PAIRING_FILE
    text = (
        "# A camera's clock and this take's: a moment at t on the camera's is\n"
        "# t + offset_s + 1e-6 * drift_ppm * (t - origin_s) seconds after begins_ns (ROS time of the sensors).\n"
        "# deviation_s and worst_deviation_s are one standard deviation; what is told as plus or minus is two.\n"
        + yaml.safe_dump(pairing.content(), sort_keys=False, allow_unicode=True)
    )

    write_private(path, text)
    return path


def _aligned(
    sensed: Sensed,
    camera: Camera,
    near_s: NDArray[np.float64],
    description: ModelDescription,
    reach_s: float,
    marks_s: tuple[float, ...],
) -> tuple[ClockAlignment, int, tuple[str, ...]]:
    prior = description.prior
    weights = Track(near_s, camera.weights, camera.seen)
    felt = felt_taps(sensed.time_s, sensed.chin) if len(sensed.chin) else np.zeros(0)
    faces: ClockAlignment | None = None
    try:
        expected = expected_track(near_s, camera.weights, prior).values
        faces = align_faces(observed_track(sensed.observations, prior), near_s, weights, expected, reach_s)
    except AlignmentError as error:
        if len(felt) < LEAST_TAPS:
            raise
        why_no_faces = error
    frame_s = float(np.median(np.diff(near_s)))
    given = np.array(marks_s) if marks_s else seen_jolts(near_s, camera.weights)
    if len(felt) < LEAST_TAPS:
        if marks_s:
            raise AlignmentError(
                f"expected {LEAST_TAPS} taps or more on the unit {CHIN}, found {len(felt)}; leave --mark out, or tap "
                "again"
            )
        assert faces is not None
        return faces, 0, ()
    try:
        taps = align_taps(felt, given, reach_s, frame_s)
        if faces is None:
            return taps, len(felt), (f"by taps alone: {why_no_faces}",)
        return combined(faces, taps), len(felt), ()
    except AlignmentError as error:
        if faces is None or marks_s:
            raise
        return faces, len(felt), (f"{len(felt)} taps felt, not used: {error}",)
