"""From a source of samples to faces: what `open_capture` gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any

from face_capture.errors import CalibrationError, CaptureError, NoSamplesError, SourceError
from face_capture.face import Face, face_of
from face_capture.samples import LiveSamples, RecordedSamples, Samples
from face_capture.sources import BAUD, FASTEST_BAUD, RECORDED, SLOWEST_BAUD, Source, open_source
from face_inference.engines.choice import create_engine
from face_inference.engines.protocol import Engine
from face_inference.face_estimate import InputLayout, TrackerCounters
from face_inference.model_folder import Model, load_model
from face_inference.neutral_calibration import CalibrationResult
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_inference.wearer.profile_folder import ProfileFolder
from face_inference.wearer.wearer_calibration import kept_wearer
from face_model.face_state import FaceState
from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout, load_layout
from imu_driver.hub import ConnectionState, Hub, HubFigures, HubIdentity
from imu_driver.hub_key import load_key
from imu_driver.hubs import make_hub, sealed

CONNECT_S = 10.0
"""How long the first sample is waited for: a hub answers in less than a second, a person plugs it in within this."""

SIMULATOR_START_S = 60.0
"""The same for a simulated hub, which takes seconds to start, and more on a busy machine."""

SILENCE_S = 2.0
"""How long samples may stay away later on: a hub that reboots is back within this."""

IDLE_PERIOD_S = 0.05
"""While no samples come, a face that says so is given this often, as the ROS 2 node does."""

MakeEngine = Callable[[Model], Engine]
"""Makes an engine for one face."""


@dataclass(frozen=True)
class CaptureDiagnostics:
    """How a capture does.

    Attributes:
        connection: to the hub.
        problem: why no samples flow, and what to do; empty while they do.
        notices: what is wrong with a hub that is in use all the same.
        hub: who it is; None before it was met.
        figures: what happened on the line.
        tracker: what happened to the samples.
        dropped: samples that were not taken in time.
        missing_sensors: names that the model knows and the layout lacks.
        calibration_hint: what the wearer should do for the automatic calibration to end.
        model: name and version.
        engine: what runs the model, and why.
        wearer: where what is known of the wearer comes from.
        glued_anew: whether the sensors do not move as in the wearer's profile, which counts little since: run the
            guided routine again.
        recording_problem: why `record` has ended early; empty while it goes on, or where nothing is recorded.
    """

    connection: ConnectionState
    problem: str
    notices: tuple[str, ...]
    hub: HubIdentity | None
    figures: HubFigures
    tracker: TrackerCounters
    dropped: int
    missing_sensors: tuple[str, ...]
    calibration_hint: str
    model: str
    engine: str
    wearer: str
    glued_anew: bool = False
    recording_problem: str = ""


class FaceCapture:
    """Faces of one wearer: iterate over them. Made by `open_capture`; a context manager, and to be closed.

    A live hub is read by a thread of its own; all methods belong to one thread of the caller's. Who needs the newest
    face only, such as a control loop with a rate of its own, asks for `newest`.

    The neutral is learned by itself at the start: the wearer looks ahead, relaxes, and keeps still for two seconds.
    """

    def __init__(
        self,
        source: Source,
        hub: Hub,
        layout: SensorLayout,
        tracker: FaceTracker,
        engine: Engine,
        *,
        model: str,
        choice: str,
        connect_s: float,
        silence_s: float,
    ) -> None:
        """Begin to read; see `open_capture`."""
        self._source, self._hub, self._layout = source, hub, layout
        self._tracker, self._engine = tracker, engine
        self._model, self._choice = model, choice
        self._connect_s, self._silence_s = connect_s, silence_s
        self._samples: Samples = RecordedSamples(hub) if source.is_recording else LiveSamples(hub)
        self._since_s = time.monotonic()
        self._stamp_s = float("nan")
        self._layout_id = 0
        self._began = self._closed = False

    def __enter__(self) -> FaceCapture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> FaceCapture:
        return self

    def __next__(self) -> Face:
        """The face at the next sample; while none come, one that says so every 50 ms.

        Raises:
            StopIteration: a recording has ended, or this was closed.
            NoSamplesError: no sample came for `connect_s` at the start, or `silence_s` later on.
            LayoutMismatchError: the hub's sensors cannot feed the model.
            EngineError: the engine failed and nothing takes over.
            SourceError: the simulated hub ended, or the recording holds no samples.
        """
        while not self._closed:
            sample = self._samples.take(IDLE_PERIOD_S)
            if sample is None and self._samples.ended:
                self._check_end()
                break
            face = self._idle() if sample is None else self._face_at(sample)
            if face is not None:
                return face
        raise StopIteration

    @property
    def state(self) -> FaceState:
        """Of the newest face; CALIBRATING before the first."""
        estimate = self._tracker.estimate
        return FaceState.CALIBRATING if estimate is None else estimate.state

    @property
    def diagnostics(self) -> CaptureDiagnostics:
        """How it does now."""
        hub, tracker, recorder = self._hub, self._tracker, self._source.recorder
        return CaptureDiagnostics(
            connection=hub.state,
            problem=hub.problem,
            notices=tuple(hub.notices),
            hub=hub.identity,
            figures=hub.figures(),
            tracker=tracker.counters,
            dropped=self._samples.dropped,
            missing_sensors=tracker.missing_sensors,
            calibration_hint=tracker.calibration_hint,
            model=self._model,
            engine=self._choice,
            wearer=tracker.wearer.source,
            glued_anew=tracker.wear.glued_anew,
            recording_problem="" if recorder is None else recorder.problem,
        )

    def newest(self) -> Face:
        """The face at the newest sample: all that wait are taken in, and one is waited for if none does.

        Raises:
            As `__next__`; `StopIteration` is a `CaptureError` here.
        """
        face = next(self, None)
        while face is not None and self._samples.waiting:
            face = next(self, None) or face
        if face is None:
            raise CaptureError("expected a face, found the end of the capture")
        return face

    def calibrate_neutral(self, duration_s: float | None = None) -> CalibrationResult:
        """Learn the neutral anew from the next samples; returns when it is in use. Faces meanwhile are lost.

        Args:
            duration_s: of relaxed stillness, 0.5 to 30 s; None: 2 s.

        Raises:
            ValueError: another duration.
            CalibrationError: the wearer was not still, or a recording ended; the old neutral stays.
            NoSamplesError: samples stayed away; so do all other errors of `__next__`.
        """
        if duration_s is not None and not 0.5 <= duration_s <= 30.0:
            raise ValueError(f"expected a duration of 0.5 to 30 s, found {duration_s}")
        if not self._began:  # the first sample brings the layout, which would end a calibration
            next(self, None)
        calibration = self._tracker.start_calibration(duration_s)
        while calibration.result is None:
            if next(self, None) is None:
                calibration.abort("the capture ended during calibration")
        result = calibration.result
        if not result.success:
            raise CalibrationError(result.message)
        return result

    def forget_worn(self) -> None:
        """Go back to what the wearer's profile tells, smoothly, and learn from wear anew."""
        self._tracker.forget_worn()

    def close(self) -> None:
        """Stop the hub, end a simulated one, release the engine; may be called twice."""
        if self._closed:
            return
        self._closed = True
        with ExitStack() as ends:  # each is ended, whatever becomes of the others
            ends.callback(self._engine.close)
            ends.callback(self._source.close)
            self._samples.close()

    # Details.

    def _face_at(self, sample: ImuSample) -> Face | None:
        self._follow_layout(sample)
        recorded = self._source.is_recording
        now_s = sample.arrival_s if recorded else time.monotonic()
        self._began, self._since_s, self._stamp_s = True, now_s, sample.host_time_s
        estimate = self._tracker.update(sample, now_s)
        if estimate is None:  # of another layout, or late: the tracker counts it
            return None
        latency_s = float("nan") if recorded else time.monotonic() - sample.host_time_s
        return face_of(estimate, sample.host_time_s, latency_s)

    def _follow_layout(self, sample: ImuSample) -> None:
        identity = self._hub.identity
        if sample.layout_id == self._layout_id or identity is None:
            return
        self._layout_id = sample.layout_id
        names = tuple(sensor.name for sensor in self._layout.sensors)
        self._tracker.set_layout(InputLayout(sample.layout_id, names, float(identity.rate_hz)))

    def _idle(self) -> Face | None:
        """What is true while no sample comes; None where there is nothing to say yet."""
        simulator = self._source.simulator
        if simulator is not None and simulator.problem:
            raise SourceError(simulator.problem)
        now_s = time.monotonic()
        waited_s, limit_s = now_s - self._since_s, self._silence_s if self._began else self._connect_s
        if waited_s > limit_s:
            self._since_s = now_s  # who goes on waits as long again
            raise NoSamplesError(f"expected a sample within {limit_s:g} s, found none: {self._problem()}")
        estimate = self._tracker.face_without_input(now_s)
        return None if estimate is None else face_of(estimate, self._stamp_s, now_s - self._stamp_s)

    def _check_end(self) -> None:
        if not self._source.is_recording:
            raise CaptureError(f"expected the hub's thread to run, found it ended: {self._hub.problem}")
        if not self._began:
            raise SourceError(self._hub.problem)

    def _problem(self) -> str:
        return self._hub.problem or "the hub streams, but its samples stay away"


def _whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number within bounds; ValueError says what was found instead."""
    is_number = isinstance(value, Real)
    if not is_number or not least <= value <= most or value != int(value):
        raise ValueError(f"{name}: expected a whole number of {least} to {most}, found {value!r}; correct it")
    return int(value)


def open_capture(
    source: str,
    model: str = "imusic",
    wearer: str = "",
    layout: str = "face_12",
    rate_hz: int = 100,
    *,
    engine: str | MakeEngine = "auto",
    hub: str = "imusic_v1",
    baud: int = BAUD,
    record: str | Path | None = None,
    key_file: str | Path | None = None,
    learn_while_worn: bool = True,
    connect_s: float | None = None,
    silence_s: float = SILENCE_S,
) -> FaceCapture:
    """Open a hub and a model; the capture is a context manager, and faces come by iterating over it.

        with open_capture("/dev/ttyUSB0") as capture:
            for face in capture:
                print(face.weights["jawOpen"], face.confidence["jawOpen"])

    Args:
        source: a serial port (`/dev/ttyUSB0`); `udp://HOST:PORT` to listen on; `simulated`, or `simulated:MOTION` with
            a motion of `imusic simulate`; or `recorded:FILE`, bytes that were recorded with `record`.
        model: a name or the path of a model folder.
        wearer: whose profile is used; empty: what is known of anybody.
        layout: of the sensors: a name or the path of a YAML file.
        rate_hz: samples per second to ask of the hub, 1 to 1000.
        engine: one of `face_inference.engines.ENGINES`, or what makes an engine from a model.
        hub: kind of hub, one of `imu_driver.hubs.HUBS`.
        baud: of a serial port, bits per second, 9600 to 12 million.
        record: file that all bytes of a live hub are also written to.
        key_file: file with the key of the hub, see `imu_driver.hub_key`; None: any hub is believed. A recording needs
            none: it holds what was checked.
        learn_while_worn: whether wear adds to what the profile tells, for as long as this capture lasts; the profile
            stays as it is. Without a profile nothing is learned.
        connect_s: how long the first sample is waited for; None: 10 s, and 60 s for a simulated hub.
        silence_s: how long samples may stay away later on, s.

    Raises:
        SourceError: the source means nothing, or cannot be used.
        LayoutError: the layout cannot be read.
        InferenceError: model, wearer or engine cannot be used; its subclasses say which.
        HubKeyError: the key file cannot be used.
        ValueError: no such kind of hub, one without keys, or a rate or baud that is none.
    """
    key = load_key(key_file) if key_file is not None and not source.startswith(RECORDED) else None
    rate_hz, baud = _whole("rate_hz", rate_hz, 1, 1000), _whole("baud", baud, SLOWEST_BAUD, FASTEST_BAUD)
    sensors, loaded = load_layout(layout), load_model(model)
    profile = kept_wearer(wearer, loaded.description, ProfileFolder())[0] if wearer else None
    if isinstance(engine, str):
        choice = create_engine(loaded, engine)
        runs, announcement = choice.engine, choice.announcement
    else:
        runs = engine(loaded)
        announcement = f"{loaded.description.title} runs on {runs.description} (given by the caller)"
    tracker = FaceTracker(loaded.description, runs, TrackerParams())
    if profile is not None:
        tracker.use_wearer(profile.jacobian, profile.worn)
    tracker.learn_while_worn = learn_while_worn
    opened: Source | None = None
    try:
        guard = (lambda transport: sealed(hub, transport, key)) if key is not None else None
        opened = open_source(source, layout, baud, record, hub, guard)
        made = make_hub(hub, opened.transport, sensors, rate_hz)
    except BaseException:
        if opened is not None:
            opened.close()
        runs.close()
        raise
    if connect_s is None:
        connect_s = SIMULATOR_START_S if opened.simulator is not None else CONNECT_S
    return FaceCapture(
        opened,
        made,
        sensors,
        tracker,
        runs,
        model=loaded.description.title,
        choice=announcement,
        connect_s=connect_s,
        silence_s=silence_s,
    )
