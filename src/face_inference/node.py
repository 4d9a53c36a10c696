"""ROS 2 node `face_inference`: `imu/frame` in, `face/blendshapes` out, at the sample rate, for one wearer or more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from imusic.msg import ImuFrame
from rclpy.timer import Timer
from std_msgs.msg import Header

from face_inference.batch import FaceBatch
from face_inference.engines.choice import ProgressLines, create_engine
from face_inference.engines.protocol import Engine
from face_inference.errors import InferenceError
from face_inference.frame_source import comparable
from face_inference.kept_state import KeptState
from face_inference.model_folder import Model, ModelDescription, load_model
from face_inference.neutral_calibration import CalibrationParams
from face_inference.parameters import PARAMETERS
from face_inference.served_wearer import ServedWearer
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_inference.wearer_diagnostics import wearer_diagnostics
from face_inference.wearer_names import checked_wearers
from face_inference.wearer_topics import sample_of
from face_model.imu_sample import ImuSample
from face_model.user_folders import runtime_folder
from imusic_ros.health import OK, WARN, Health
from imusic_ros.managed_node import ConfigurationError, ManagedNode
from imusic_ros.parameters import Value
from imusic_ros.process import run
from imusic_ros.transforms import Transforms

POLL_PERIOD_S = 0.05
"""How often the node looks after wearers whose frames do not come."""


class FaceInferenceNode(ManagedNode):
    """Runs a model on the incoming samples; see the package's configuration file for its parameters."""

    def __init__(self, **options: Any) -> None:
        super().__init__("face_inference", PARAMETERS, **options)
        self._names: tuple[str, ...] = ()
        self._served: tuple[ServedWearer, ...] = ()
        self._engine: Engine | None = None
        self._engine_failure: str | None = None
        self._ready: dict[int, tuple[Header, ImuSample]] = {}
        self._poll_timer: Timer | None = None
        self._transforms: Transforms | None = None

    # Lifecycle.

    def configure(self) -> None:
        """Load and warm up the model; make each wearer's publishers, services and the layout's subscription."""
        try:
            self._names = checked_wearers(self.value("wearers"), str(self.value("wearer")))
            model = load_model(str(self.value("model")))
            self._engine = self._create_engine(model, max(1, len(self._names)))
            self._serve(model, self._engine)
        except InferenceError as error:
            raise ConfigurationError(str(error)) from error
        if self.value("parent_frame"):
            self._transforms = Transforms(self, static=False, what="transform of the head")

    def activate(self) -> None:
        """Take frames."""
        for wearer in self._served:
            taken = self._on_replayed_frame if wearer.replay else self._on_frame
            wearer.topics.listen(partial(taken, wearer))
        self._poll_timer = self.create_timer(POLL_PERIOD_S, self._on_poll)

    def deactivate(self) -> None:
        """Take no frames; model, neutrals and what is known of the wearers stay."""
        self._ready.clear()
        self.destroy_timer(self._poll_timer)
        for wearer in self._served:
            wearer.topics.ignore()
            wearer.abort()

    def cleanup(self) -> None:
        """Release the model and everything else."""
        for wearer in self._served:
            wearer.close()
        self._served, self._engine_failure = (), None
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def parameter_changed(self, name: str, value: Value) -> None:
        """Fading, stillness, patience and learning hold from now on."""
        params, learn = self._tracker_params(), bool(self.value("learn_while_worn"))
        for tracker in self._batch.trackers:
            if name == "learn_while_worn":
                tracker.learn_while_worn = learn
            else:
                tracker.use_params(params)

    # The loop: frames come in, those that are there together become faces in one step of the engine, faces go out.

    def _on_replayed_frame(self, wearer: ServedWearer, message: ImuFrame | None) -> None:
        """Take in every frame of a replay, in order, when its layout is there."""
        for frame in wearer.in_order(message, time.monotonic()):
            self._on_frame(wearer, frame)

    def _on_frame(self, wearer: ServedWearer, message: ImuFrame) -> None:
        """Collect one wearer's frame. Frames that are ready together are worked on together; none is waited for."""
        if wearer.layout_problem is not None:
            return
        now_s = self.now_s()
        # By /clock nothing is late: a replay may be faster than time, and loses no frame.
        if not self.is_simulated and wearer.source.behind(wearer.topics.age_s(message.header), now_s):
            # Working off what is old by then would keep all that comes after old as well.
            newest, skipped = wearer.topics.newest_waiting()
            message, wearer.skipped = newest or message, wearer.skipped + skipped
        if not wearer.admits(message, now_s):
            return
        sample = sample_of(message)
        if sample is None:
            wearer.tracker.counters.refused += 1
            return
        if wearer.face in self._ready:
            self._step()
        self._ready[wearer.face] = (message.header, sample)
        if len(self._ready) == len(self._served):
            self._step()
        else:
            self.call_after_ready(self._step)

    def _step(self) -> None:
        """Turn the collected frames into faces and publish them; nothing to do if that was done since it was asked."""
        ready, self._ready = self._ready, {}
        if not ready:
            return
        began_s = time.monotonic()
        samples = [(face, sample) for face, (_, sample) in ready.items()]
        for face in ready:
            self._served[face].snapshots.before_frame(self._served[face].header, began_s)
        heads = []
        for face, estimate in self._batch.update(samples, self.now_s()):
            wearer = self._served[face]
            wearer.header = ready[face][0]
            wearer.taps.on_sample(*ready[face])
            age_s = wearer.topics.age_s(wearer.header)
            if comparable(age_s) and not self.is_simulated:
                estimate = wearer.tracker.aged(estimate, age_s)
            wearer.state = estimate.state
            wearer.topics.publish(estimate, wearer.header, age_s)
            wearer.topics.publish_head(wearer.header, estimate.head_orientation, wearer.tracker.head_rate)
            wearer.latency.add(age_s, time.monotonic() - began_s)
            wearer.poll(self.now_s())
            wearer.snapshots.after_frame(wearer.header, time.monotonic())
            if self._transforms is not None and wearer.head is not None:
                heads.append(wearer.head.of(wearer.header, estimate.head_orientation.tolist()))
                if wearer.head.problem:
                    self.get_logger().warning(wearer.head.problem, throttle_duration_sec=10.0)
        if self._transforms is not None:
            self._transforms.send(head for head in heads if head is not None)

    def _on_poll(self) -> None:
        """Say what is true of wearers whose frames do not come, and go on with what was asked for them."""
        now_s = self.now_s()
        for wearer in self._served:
            wearer.poll(now_s)
            wearer.snapshots.look(wearer.header, time.monotonic())
            if wearer.replay:
                self._on_replayed_frame(wearer, None)
                continue
            estimate = wearer.tracker.face_without_input(now_s)
            if estimate is not None:
                wearer.state = estimate.state
                wearer.topics.publish(estimate, wearer.header, wearer.topics.age_s(wearer.header))
            wearer.look_around(now_s)

    # Diagnostics.

    def health(self) -> Health:
        """Of the only wearer; for several, of the engine that they share."""
        engine = self._engine.description if self._engine is not None else ""
        if not self._names:
            return wearer_diagnostics(self._served[0], engine, self._engine_failure)
        counters = [wearer.tracker.counters for wearer in self._served]
        values = {
            "wearers": ", ".join(self._names),
            "engine": engine,
            "samples": sum(c.samples for c in counters),
            "faces_per_step": sum(c.steps for c in counters) / max(1, self._batch.steps),
        }
        if self._engine_failure is not None:
            return Health(WARN, self._engine_failure, values)
        return Health(OK, f"one engine for {len(self._names)} wearers", values)

    def health_of_places(self) -> Mapping[str, Health]:
        """Of each wearer, where several were named."""
        if not self._names or self._engine is None:
            return {}
        engine, failure = self._engine.description, self._engine_failure
        return {wearer.name: wearer_diagnostics(wearer, engine, failure) for wearer in self._served}

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
        self._engine_failure = line
        for wearer in self._served:
            wearer.tracker.changes += 1
        self.get_logger().error(line)

    def _serve(self, model: Model, engine: Engine) -> None:
        description, params, replay = model.description, self._tracker_params(), bool(self.value("replay"))
        trackers = [FaceTracker(description, engine, params, face) for face in range(engine.faces)]
        for tracker in trackers:
            tracker.learn_while_worn = bool(self.value("learn_while_worn"))
        self._batch = FaceBatch(engine, trackers)
        for name, tracker in zip(self._names or ("",), trackers, strict=True):
            try:
                wearer = ServedWearer(
                    self,
                    name,
                    tracker,
                    description,
                    lambda: engine.description,
                    str(self.value("parent_frame")),
                    replay,
                    self._kept_state(name, description),
                )
            except ValueError as error:
                raise ConfigurationError(f"parent_frame: {error}") from error
            self._served += (wearer,)
            if name:
                wearer.action.use_if_kept(name)  # what is wrong with one profile must not stop the others
            else:
                wearer.action.use(str(self.value("wearer")))
            wearer.resume()

    def _kept_state(self, wearer: str, description: ModelDescription) -> KeptState | None:
        """None in a replay and by `/clock`: what is known then belongs to another time."""
        folder = self.folder("resume_folder", runtime_folder())
        if folder is None or bool(self.value("replay")) or self.is_simulated:
            return None
        place = f"{self.get_fully_qualified_name()}/{wearer}".rstrip("/")
        started_with = f"{description.digest}, wearer {self.value('wearer')!r}, max_gap_s {self.value('max_gap_s')}"
        return KeptState(folder, place, started_with)

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
