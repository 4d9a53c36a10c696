"""A take and a camera's view of the same face, brought onto one clock: what learning from a phone needs.

The camera's weights are on the take's own topic `face/reference`, or in a Live Link Face CSV that a phone recorded by
itself. What was found is written to `pairing.yaml` beside the take.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from face_inference.face_estimate import InputLayout
from face_inference.heading_filter import HeadingParams
from face_inference.model_folder import ModelDescription
from face_inference.wearer.alignment import expected_track, observed_track
from face_inference.wearer.observations import Observations
from face_inference.wearer.recorded import recorded_observations
from face_model import arkit
from face_model.imu_sample import ImuSample
from face_model.lag_search import Track
from face_model.livelink import read_livelink
from face_model.outputs import write_private
from face_model.version import version
from face_recording.bag_reader import FRAMES, LAYOUT, REFERENCE, Bag
from face_recording.takes.errors import TakeError
from face_recording.takes.listing import PAIRING_FILE
from face_recording.takes.reading import chosen_namespace, full_name, opened, stamp_ns
from face_reference.alignment import ClockAlignment, align_faces
from face_reference.errors import AlignmentError
from face_reference.taps import LEAST_TAPS, align_taps, combined, felt_taps, seen_jolts

CHIN = "mentalis"
"""Sensor that is tapped."""

_TOPIC_LAG_S = 5.0
"""The stamps of `face/reference` are right to within this, whatever the camera's own clock says."""
_LONGEST_GAP_S = 10.0
_LOST_AFTER_S = 0.5
"""Between two pictures with a face: shorter gaps are dropped pictures."""
GOOD_S = 0.004
FAIR_S = 0.015
"""Standard deviation of the offset up to which a pairing is good, or fair, s: labels are taken at 10 Hz."""


@dataclass(frozen=True)
class Camera:
    """What the camera saw, on its own clock.

    Attributes:
        source: kind and name.
        clock: which clock that is, in words.
        time_s: (P,) increasing.
        weights: (P, 52).
        seen: (P, 52) bool.
        stamps_s: (P,) when the take says that each picture was taken, s since the take's first frame; None: it does
        not.
        pictures: how many there were, with those without a face.
        file: of a CSV; None where the take itself holds it.
    """

    source: str
    clock: str
    time_s: NDArray[np.float64]
    weights: NDArray[np.float64]
    seen: NDArray[np.bool_]
    stamps_s: NDArray[np.float64] | None
    pictures: int
    file: Path | None = None


@dataclass(frozen=True)
class Sensed:
    """What the sensors felt.

    Attributes:
        begins_ns: ROS time of second 0.
        observations: of the skin.
        time_s: (T,) of the chin unit's samples.
        chin: (T, 3) specific force of the chin unit, m/s2; empty where the layout has none.
        turning_s: for how long the head turned fast enough for headings to be compared.
        namespace: of the wearer.
        model: title of the model that says what the sensors feel.
    """

    begins_ns: int
    observations: Observations
    time_s: NDArray[np.float64]
    chin: NDArray[np.float64]
    turning_s: float
    namespace: str
    model: str


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
        sensed = _sensed(bag, place, description)
        camera = _of_csv(csv.expanduser(), fps) if csv is not None else _of_topic(bag, place, sensed.begins_ns)
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


def _sensed(bag: Bag, place: str, description: ModelDescription) -> Sensed:
    """The longest stretch of frames in which the hub did not start anew."""
    layouts: dict[int, InputLayout] = {}
    stretches: list[list[tuple[int, ImuSample]]] = [[]]
    names = [full_name(place, FRAMES), full_name(place, LAYOUT)]
    for message in bag.messages(names):
        decoded = bag.decoded(message)
        if message.topic == names[1]:
            sensors = tuple(str(sensor.name) for sensor in decoded.sensors)
            layouts[int(decoded.layout_id)] = InputLayout(int(decoded.layout_id), sensors, float(decoded.rate))
            continue
        stamp, sample = stamp_ns(decoded.header), _sample(decoded)
        newest = stretches[-1][-1] if stretches[-1] else None
        if newest is not None and _broken(newest, (stamp, sample)):
            stretches.append([])
            newest = None
        if newest is None or (stamp > newest[0] and sample.hub_time_s > newest[1].hub_time_s):
            stretches[-1].append((stamp, sample))
    frames = max(stretches, key=lambda part: part[-1][0] - part[0][0] if part else -1)
    layout = layouts.get(frames[0][1].layout_id) if frames else None
    if len(frames) < 100 or layout is None:
        raise TakeError(
            f"expected frames on {names[0]} and their layout on {names[1]} in {bag.path}, found {len(frames)} frames "
            f"{'without' if layout is None else 'with'} a layout; record with imusic record"
        )
    begins_ns = frames[0][0]
    time_s = np.array([1e-9 * (stamp - begins_ns) for stamp, _ in frames])
    samples = [sample for _, sample in frames]
    observations = recorded_observations(time_s, samples, layout, description)
    chin = np.zeros((0, 3))
    if CHIN in layout.names:
        index = layout.names.index(CHIN)
        chin = np.array([sample.specific_force[index] for sample in samples], dtype=np.float64)
    return Sensed(
        begins_ns,
        observations,
        time_s,
        chin,
        _turning_s(time_s, samples, layout, description),
        place,
        description.title,
    )


def _turning_s(
    time_s: NDArray[np.float64], samples: list[ImuSample], layout: InputLayout, description: ModelDescription
) -> float:
    """For how long the skull turned faster than the heading filter asks for, s."""
    skull = layout.names.index(description.mounts.names[description.mounts.reference])
    rate = np.linalg.norm([sample.angular_velocity[skull] for sample in samples], axis=1)
    steps = np.minimum(np.diff(time_s, append=time_s[-1]), 1.0)
    return float(steps[rate > HeadingParams().least_rate_rad_s].sum())


def _broken(before: tuple[int, ImuSample], after: tuple[int, ImuSample]) -> bool:
    """Whether the hub, its layout or the clock changed between two frames."""
    step = after[1].sequence - before[1].sequence
    gap_s = 1e-9 * (after[0] - before[0])
    return after[1].layout_id != before[1].layout_id or step < 0 or not -1.0 < gap_s < _LONGEST_GAP_S


def _sample(message: Any) -> ImuSample:
    count = len(message.status)
    try:
        return ImuSample(
            layout_id=int(message.layout_id),
            sequence=int(message.sequence),
            hub_time_s=1e-6 * int(message.hub_time_us),
            status=np.asarray(message.status, dtype=np.uint8),
            orientation=np.asarray(message.orientation, dtype=np.float32).reshape(count, 4),
            angular_velocity=np.asarray(message.angular_velocity, dtype=np.float32).reshape(count, 3),
            specific_force=np.asarray(message.specific_force, dtype=np.float32).reshape(count, 3),
        )
    except ValueError as error:
        raise TakeError(
            f"expected frames of {count} sensors each, found others: {error}; the take is damaged"
        ) from error


def _of_topic(bag: Bag, place: str, begins_ns: int) -> Camera:
    topic = full_name(place, REFERENCE)
    messages = [bag.decoded(message) for message in bag.messages((topic,))]
    sources = Counter(str(message.source) for message in messages)
    if not sources:
        raise TakeError(
            f"expected pictures on {topic} in {bag.path}, found none; record with a reference (imusic capture "
            "--reference livelink), or give the CSV that the phone recorded"
        )
    source = sources.most_common(1)[0][0]
    of_source = [message for message in messages if message.source == source]
    faces = [message for message in of_source if message.face_seen]
    if len(faces) < 2:
        raise TakeError(
            f"expected pictures with a face on {topic}, found {len(faces)} of {len(of_source)}; record it again, the "
            "whole face in view"
        )
    stamps = np.array([1e-9 * (stamp_ns(message.header) - begins_ns) for message in faces])
    own = np.array([float(message.source_time) for message in faces])
    clock, times = "of the source", own
    # A source's clock that was set, or that counts from midnight anew, is no clock for a whole take.
    if not np.isfinite(own).all() or np.ptp(stamps - own - np.median(stamps - own)) > 2.0:
        clock, times = "stamps of the take", stamps
    kept = _rising(times)
    return Camera(
        source,
        clock,
        times[kept],
        np.array([message.weights for message in faces], dtype=np.float64)[kept],
        np.array([message.seen for message in faces], dtype=np.bool_)[kept],
        stamps[kept],
        len(of_source),
    )


def _of_csv(path: Path, fps: float | None) -> Camera:
    take = read_livelink(path, fps=fps)
    times = np.arange(len(take.weights)) / take.rate_hz
    clock = "seconds since the CSV's first row"
    return Camera(f"livelink CSV {path.name}", clock, times, take.weights, take.seen, None, len(take.weights), path)


def _rising(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(P,) those that are later than all before them."""
    newest = np.maximum.accumulate(times)
    rising: NDArray[np.bool_] = np.concatenate([[True], times[1:] > newest[:-1]])
    return rising


__all__ = ["PAIRING_FILE", "Camera", "Pairing", "Sensed", "pair_take", "write_pairing"]
