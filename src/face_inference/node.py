"""ROS 2 node `face_inference`: `imu/frame` in, `face/blendshapes` out, at the sample rate, for one wearer or more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rclpy.timer import Timer
from std_msgs.msg import Header

from face_inference.batch import FaceBatch
from face_inference.calibration import CalibrationParams
from face_inference.engines.choice import create_engine
from face_inference.engines.protocol import Engine
from face_inference.errors import InferenceError
from face_inference.model_folder import Model, load_model
from face_inference.parameters import PARAMETERS
from face_inference.person_port import PersonPort
from face_inference.progress import ProgressLines
from face_inference.tracker import FaceTracker, TrackerParams
from face_inference.wearers import checked_wearers
from face_model.imu_sample import ImuSample
from imusic_ros.health import OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run

IDLE_PERIOD_S = 0.05


class FaceInferenceNode(ManagedNode):
    """Runs a model on the incoming samples; see the package's configuration file for its parameters."""

    def __init__(self, **options: Any) -> None:
        super().__init__("face_inference", PARAMETERS, **options)
        self._wearers: tuple[str, ...] = ()
        self._ports: tuple[PersonPort, ...] = ()
        self._engine: Engine | None = None
        self._trouble: str | None = None
        self._waiting: dict[int, tuple[Header, ImuSample]] = {}
        self._idle_timer: Timer | None = None

    # Lifecycle.

    def configure(self) -> None:
        """Load and warm up the model; make each person's publishers, services and the layout's subscription."""
        try:
            self._wearers = checked_wearers(self.value("wearers"), str(self.value("wearer")))
            model = load_model(str(self.value("model")))
            self._engine = self._create_engine(model, max(1, len(self._wearers)))
            self._make_ports(model, self._engine)
        except InferenceError as error:
            raise ConfigurationError(str(error)) from error

    def activate(self) -> None:
        """Take samples."""
        for port in self._ports:
            port.activate()
        self._idle_timer = self.create_timer(IDLE_PERIOD_S, self._on_idle)

    def deactivate(self) -> None:
        """Take no samples; model, neutrals and wearers stay."""
        self._waiting.clear()
        self.destroy_timer(self._idle_timer)
        for port in self._ports:
            port.deactivate()

    def cleanup(self) -> None:
        """Release the model and everything else."""
        for port in self._ports:
            port.close()
        self._ports, self._trouble = (), None
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def parameter_changed(self, name: str, value: Value) -> None:
        """Fading, stillness and patience hold from now on."""
        params = self._tracker_params()
        for tracker in self._batch.trackers:
            tracker.use_params(params)

    def health(self) -> Health:
        """Of the only person; for several, of the engine that they share."""
        engine = self._engine.description if self._engine is not None else ""
        if not self._wearers:
            return self._ports[0].health(engine, self._trouble)
        counters = [port.tracker.counters for port in self._ports]
        values = {
            "wearers": ", ".join(self._wearers),
            "engine": engine,
            "samples": sum(c.samples for c in counters),
            "faces_per_step": sum(c.steps for c in counters) / max(1, self._batch.steps),
        }
        if self._trouble is not None:
            return Health(WARN, self._trouble, values)
        return Health(OK, f"one engine for {len(self._wearers)} wearers", values)

    def health_of_places(self) -> Mapping[str, Health]:
        """Of each person, where several were named."""
        if not self._wearers or self._engine is None:
            return {}
        engine = self._engine.description
        return {port.person: port.health(engine, self._trouble) for port in self._ports}

    # Samples in, faces out.

    def _on_sample(self, face: int, header: Header, sample: ImuSample) -> None:
        """Samples of several wearers that are ready at once are worked on together; nobody waits for who is late."""
        if face in self._waiting:
            self._work()
        self._waiting[face] = (header, sample)
        if len(self._waiting) == len(self._ports):
            self._work()
        else:
            self.call_after_ready(self._work)

    def _work(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        began_s = time.monotonic()
        samples = [(face, sample) for face, (_, sample) in waiting.items()]
        for face, estimate in self._batch.update(samples, began_s):
            self._ports[face].publish(estimate, waiting[face][0], began_s)

    def _on_idle(self) -> None:
        now_s = time.monotonic()
        for port in self._ports:
            port.idle(now_s)

    # Set-up.

    def _create_engine(self, model: Model, faces: int) -> Engine:
        progress, log = ProgressLines(), self.get_logger()

        def tell(share: float, what: str) -> None:
            line = progress.line(share, what, time.monotonic())
            if line is not None:
                log.info(line)

        name, precision = str(self.value("engine")), str(self.value("precision"))
        choice = create_engine(model, name, faces, precision, tell, self._on_engine_failure)
        if choice.fell_back:
            log.warning(choice.announcement)
        else:
            log.info(choice.announcement)
        return choice.engine

    def _on_engine_failure(self, line: str) -> None:
        self._trouble = line
        self.get_logger().error(line)

    def _make_ports(self, model: Model, engine: Engine) -> None:
        description, params = model.description, self._tracker_params()
        trackers = [FaceTracker(description, engine, params, face) for face in range(engine.faces)]
        self._batch = FaceBatch(engine, trackers)
        for person, tracker in zip(self._wearers or ("",), trackers, strict=True):
            port = PersonPort(self, person, tracker, description, self._on_sample)
            self._ports += (port,)
            if person:
                port.use_own_profile()
            else:
                port.use_profile(str(self.value("wearer")))

    def _tracker_params(self) -> TrackerParams:
        calibration = CalibrationParams(
            duration_s=self.value("neutral_duration_s"),
            max_skull_rate_rad_s=self.value("still_skull_rad_s"),
            max_face_rate_rad_s=self.value("still_face_rad_s"),
            patience_s=self.value("neutral_patience_s"),
        )
        return TrackerParams(
            calibration=calibration,
            max_gap_s=self.value("max_gap_s"),
            stale_after_s=self.value("stale_after_s"),
            neutral_after_s=self.value("neutral_after_s"),
            fade_s=self.value("fade_s"),
        )


def main() -> int:
    """Entry point of the executable `face_inference`."""
    return run(FaceInferenceNode)


if __name__ == "__main__":
    raise SystemExit(main())
