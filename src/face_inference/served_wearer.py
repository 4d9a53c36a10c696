"""One wearer whom the node serves: the tracker, and all that is theirs in ROS."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from imusic.msg import ImuFrame, SensorLayout, Snapshot
from imusic.srv import RestoreSnapshot
from std_msgs.msg import Header

from face_inference.alignment_action import AlignmentAction
from face_inference.errors import InferenceError, LayoutMismatchError
from face_inference.frame_source import FrameSource
from face_inference.head_transforms import HeadTransform, parent_of
from face_inference.kept_state import KeptState
from face_inference.latency import LatencyStatistics
from face_inference.model_folder import ModelDescription
from face_inference.neutral_service import NeutralService
from face_inference.taps_action import TapsAction
from face_inference.tracker import FaceTracker
from face_inference.wearer_action import WearerAction
from face_inference.wearer_snapshots import WearerSnapshots
from face_inference.wearer_topics import WearerTopics, layout_of
from face_inference.wearer_wear import WearerWear
from face_model.errors import SnapshotError
from face_model.face_state import FaceState
from face_model.frames import head_frame
from imusic_ros.managed_node import ManagedNode

MOST_WAITING_FRAMES = 2000
LAYOUT_PATIENCE_S = 2.0
"""In a replay, a frame whose layout does not come within this is refused, as it was live."""

MOST_NAME = 100

REPLAY_SLACK_S = 0.3
"""After a boot the first samples come late, so that the silence was longer than stamps tell. What inference passed over
then, snapshots tell."""

LOOK_PERIOD_S = 1.0
"""How often it is looked who publishes frames."""

FORGOTTEN_S = 25.0
"""Two publishers for so long are two: one that was killed is known for 20 s more (Fast DDS)."""


class Since(NamedTuple):
    """Samples lost, taken in, skipped because newer ones waited, and of another source."""

    lost: int
    taken: int
    skipped: int
    foreign: int


class ServedWearer:
    """What the node keeps of a wearer. The node itself feeds the tracker and publishes the faces.

    Args:
        node: that serves.
        name: namespace relative to the node's; empty: the node's own.
        tracker: of this wearer.
        description: of the model.
        engine: that runs it, in words.
        parent_frame: of the head on `/tf`, as the parameter has it; empty: none.
        replay: whether frames are those of a recording: then the time that counts is that of their stamps.
        kept: what outlives the process if it is killed; None: nothing does.

    Raises:
        ValueError: the parent is no name of a frame.

    Attributes:
        face: row of the wearer's face in the engine.
        layout_problem: why frames cannot be used; None if they can.
        refused_layout: why the newest layout is not used, while the one before is; None if it is.
        header: of the newest frame that became a face.
        state: of the newest face.
        latency: of the newest faces.
        source: whose frames are taken.
        skipped: frames that were passed over because newer ones waited behind them.
        publishers: of `imu/frame`, at the last look.
        snapshots: of this wearer.
        head: transform of the head; None if there is none.
    """

    def __init__(
        self,
        node: ManagedNode,
        name: str,
        tracker: FaceTracker,
        description: ModelDescription,
        engine: Callable[[], str],
        parent_frame: str = "",
        replay: bool = False,
        kept: KeptState | None = None,
    ) -> None:
        self.name, self.tracker, self.face, self.model = name, tracker, tracker.face, description.title
        self.layout_problem: str | None = "no imu/layout yet; is the driver running?"
        self.refused_layout: str | None = None
        self._layout_told = ""
        namespace = f"{node.get_namespace().rstrip('/')}/{name}"
        self.header = Header(frame_id=head_frame(namespace))
        parent = parent_of(parent_frame, namespace)
        self.head = HeadTransform(parent) if parent else None
        self.state = FaceState.CALIBRATING
        self.latency = LatencyStatistics()
        self.source = FrameSource()
        self.skipped = 0
        self.publishers = 0
        self._crowded_since_s: float | None = None
        self._looked_s = 0.0
        self._reported = Since(0, 0, 0, 0)
        self._other_layout: SensorLayout | None = None
        self._node = node
        self._log = node.get_logger().get_child(name) if name else node.get_logger()
        place = f"{name}/" if name else ""
        self.replay = replay
        self._waiting: deque[tuple[ImuFrame, float]] = deque()
        self.topics = WearerTopics(node, place, self.model, self._on_layout, replay)
        self.neutral = NeutralService(node, place, tracker, self._neutral_refusal, self._log)
        self.wear = WearerWear(node, place, tracker, self._log, replay)
        self.action = WearerAction(node, place, tracker, description, self._routine_refusal, self._log, self.wear)
        self.alignment = AlignmentAction(
            node, place, tracker, self._alignment_refusal, self._log, self.wear, self.action.prompt
        )
        self.taps = TapsAction(node, place, tracker, self._refusal, self._log)
        self.snapshots = WearerSnapshots(node, place, tracker, description, engine, lambda: self.action.profile)
        self._kept = kept
        self._kept_problem = ""
        self._restore = (
            node.create_service(RestoreSnapshot, f"{place}{node.get_name()}/restore", self._on_restore)
            if replay
            else None
        )

    def now_s(self) -> float:
        """The node's time; see `ManagedNode.now_s`."""
        return self._node.now_s()

    @property
    def is_simulated(self) -> bool:
        """Whether stamps and ages are of `/clock`."""
        return self._node.is_simulated

    def poll(self, now_s: float) -> None:
        """Go on with a neutral or a routine that was asked for; `now_s` is the node's."""
        self.neutral.poll(now_s)
        self.action.poll(now_s, self.header)
        self.alignment.poll(now_s, self.header)
        self.taps.poll(now_s)
        self.wear.poll(now_s)
        self._keep_state()

    def admits(self, message: ImuFrame, now_s: float) -> bool:
        """Whether a frame is of the layout and of the source that are followed; `now_s` is the node's."""
        stamp = message.header.stamp
        stamp_s, hub_time_s = stamp.sec + 1e-9 * stamp.nanosec, 1e-6 * message.hub_time_us
        if self.replay:
            now_s = stamp_s + REPLAY_SLACK_S
        waiting = self._other_layout
        # Of the same hub: its driver has another layout now. Else the present source must be silent first.
        free = self.source.is_followed(stamp_s, hub_time_s) or self.source.silent(now_s)
        if waiting is not None and message.layout_id == waiting.layout_id and free:
            self._use_layout(waiting)
        layout = self.tracker.layout
        if layout is not None and message.layout_id != layout.layout_id:
            self.tracker.counters.refused += 1
            return False
        return self.source.takes(stamp_s, hub_time_s, now_s)

    def since_report(self) -> Since:
        """What was counted since this was asked last."""
        counters = self.tracker.counters
        now = Since(counters.lost, counters.samples, self.skipped, self.source.foreign)
        then, self._reported = self._reported, now
        return Since(*(a - b for a, b in zip(now, then, strict=True)))

    def look_around(self, now_s: float) -> None:
        """Once a second: who else publishes; a layout that waited for the source before it; `now_s` is the node's."""
        if self._other_layout is not None and not self.replay and self.source.silent(now_s):
            self._use_layout(self._other_layout)
        if now_s - self._looked_s >= LOOK_PERIOD_S:
            self._looked_s = now_s
            self.publishers = self._node.count_publishers(self.topics.frames_topic)
            if self.publishers < 2:
                self._crowded_since_s = None
            elif self._crowded_since_s is None:
                self._crowded_since_s = now_s

    def crowded(self, now_s: float) -> bool:
        """Whether there has been more than one publisher of frames for `FORGOTTEN_S`; `now_s` is the node's."""
        return self._crowded_since_s is not None and now_s - self._crowded_since_s >= FORGOTTEN_S

    def abort(self) -> None:
        """End a neutral or a routine under way, because the node was deactivated; what was known stays."""
        self._waiting.clear()
        self.neutral.abort("the node was deactivated; activate it and calibrate again")
        self.action.abort("the node was deactivated; activate it and start the routine again")
        self.alignment.abort("the node was deactivated; activate it and align again")
        self.taps.abort("the node was deactivated; activate it and tap again")
        self.wear.keep()

    def close(self) -> None:
        """Withdraw everything."""
        if self._restore is not None:
            self._node.destroy_service(self._restore)
        if self._kept is not None:
            self._kept.forget()
            self._tell_kept_problem(self._kept.problem)
        self.snapshots.close()
        self.alignment.close()
        self.taps.close()
        self.action.close()
        self.wear.close()
        self.neutral.close()
        self.topics.close()

    def _on_layout(self, message: SensorLayout) -> None:
        """Use a layout; one of another source waits until frames of the present one cease."""
        known = self.tracker.layout
        other = self.layout_problem is None and known is not None and known.layout_id != message.layout_id
        if other and (self.replay or not self.source.silent(self._node.now_s())):
            self._other_layout = message
        else:
            self._use_layout(message)

    def _use_layout(self, message: SensorLayout) -> None:
        self._other_layout = None
        layout = layout_of(message)
        try:
            self.tracker.set_layout(layout)
        except LayoutMismatchError as error:
            self._log.error(str(error))
            if self.layout_problem is None:
                self.refused_layout = str(error)  # the one before stays in use: a stray message stops no capture
            else:
                self.layout_problem = str(error)
            return
        self.layout_problem = self.refused_layout = None
        missing = self.tracker.missing_sensors
        told = f"layout {message.name} of {len(layout.names)} sensors at {layout.rate_hz:g} Hz" + (
            f"; missing and masked: {', '.join(missing)}" if missing else ""
        )
        if told != self._layout_told:  # a replay publishes it again at each jump and lap
            self._layout_told = told
            self._log.info(told)

    def in_order(self, message: ImuFrame | None, now_s: float) -> Iterator[ImuFrame]:
        """A frame of a replay after those that waited; each waits until its layout is there, for some seconds.

        There is no order between two topics, and a frame that came before its layout would be lost.
        """
        if message is not None and len(self._waiting) < MOST_WAITING_FRAMES:
            self._waiting.append((message, now_s))
        while self._waiting:
            first, since_s = self._waiting[0]
            known = {layout.layout_id for layout in (self.tracker.layout, self._other_layout) if layout is not None}
            if first.layout_id in known and self.layout_problem is None:
                self._waiting.popleft()
                yield first
            elif now_s - since_s > LAYOUT_PATIENCE_S:
                self._waiting.popleft()
                self.tracker.counters.refused += 1
            else:
                return

    def restore(self, message: Snapshot) -> str:
        """Go on from a snapshot; see `WearerSnapshots.restore`."""
        note = self.snapshots.restore(message)
        self.header = message.header
        if self.is_simulated:  # /clock is at this place: a hub that was off for long after it, is so in the replay
            self.tracker.worn_s = self.now_s()
        self.source, self._other_layout = FrameSource(), None
        self._waiting.clear()
        if self.tracker.layout is not None:
            self.layout_problem = self.refused_layout = None
        estimate = self.tracker.estimate
        self.state = FaceState.CALIBRATING if estimate is None else estimate.state
        self.action.profile = message.wearer[:MOST_NAME]
        self.wear.follow(None)
        return note

    def resume(self) -> None:
        """Go on from what a process that was killed left not long ago, if it did; else begin as everybody does."""
        if self._kept is None:
            return
        found = self._kept.find()
        self._tell_kept_problem(self._kept.problem)
        if found is None:
            return
        params, learn = self.tracker.params, self.tracker.learn_while_worn
        before = self.action.profile
        try:
            if found.profile != before:
                self.action.use(found.profile)
            found.restore(self.tracker)
        except (SnapshotError, InferenceError) as error:
            self._log.warning(f"begins anew, as what a process that was killed left cannot be used: {error}")
            if self.action.profile != before:
                self.action.use(before)
            return
        self.tracker.use_params(params)
        self.tracker.learn_while_worn = learn
        self.tracker.worn_s = self.now_s() - found.age_s
        if self.tracker.layout is not None:
            self.layout_problem = self.refused_layout = None
        self._log.warning(
            f"goes on where a process that was killed was {found.age_s:.1f} s ago, with its neutral; if somebody else "
            "wears the sensors now, call calibrate_neutral"
        )

    def _keep_state(self) -> None:
        if self._kept is not None:
            self._kept.keep_if_due(self.tracker, self.action.profile, time.monotonic())
            self._tell_kept_problem(self._kept.problem)

    def _tell_kept_problem(self, problem: str) -> None:
        if problem and problem != self._kept_problem:
            self._log.warning(problem)
        self._kept_problem = problem

    def _on_restore(
        self, request: RestoreSnapshot.Request, response: RestoreSnapshot.Response
    ) -> RestoreSnapshot.Response:
        try:
            response.message = self.restore(request.snapshot)
            response.success = True
        except (SnapshotError, InferenceError) as error:
            response.success, response.message = False, str(error)
            self._log.error(f"snapshot refused, nothing has changed: {error}")
        return response

    def _refusal(self) -> str | None:
        """Why nothing can be learned now."""
        if not self._node.is_active:
            return "expected the node to be active, found it is not; activate it first"
        return self.layout_problem

    def _neutral_refusal(self) -> str | None:
        return "the sensors are being aligned; wait for it" if self.alignment.running else self._refusal()

    def _routine_refusal(self) -> str | None:
        return "the neutral is being learned; wait for it" if self.neutral.running else self._neutral_refusal()

    def _alignment_refusal(self) -> str | None:
        if self.action.running:
            return "the guided routine is under way; wait for it"
        return "the neutral is being learned; wait for it" if self.neutral.running else self._refusal()
