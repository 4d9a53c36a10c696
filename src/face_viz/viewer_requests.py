"""What viewers of the page ask of other nodes: identify a unit, guide the wearer, use a profile, record, seek."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from action_msgs.srv import CancelGoal
from imusic.action import AlignSensors, CalibrateWearer
from imusic.srv import Identify, SeekReplay, SetReplayRate, StartRecording, UseWearer
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from face_viz.page_commands import Command

ROUTINE: Final = "face_inference/calibrate_wearer"
ALIGN: Final = "face_inference/align_sensors"
SERVICES: Final = {
    "identify": (Identify, "imu_driver/identify"),
    "use_wearer": (UseWearer, "face_inference/use_wearer"),
    "record": (StartRecording, "recorder/start"),
    "stop": (Trigger, "recorder/stop"),
    "cancel": (CancelGoal, f"{ROUTINE}/_action/cancel_goal"),
    "cancel_align": (CancelGoal, f"{ALIGN}/_action/cancel_goal"),
    "pause": (Trigger, "player/pause"),
    "resume": (Trigger, "player/resume"),
    "seek": (SeekReplay, "player/seek"),
    "set_rate": (SetReplayRate, "player/set_rate"),
}
BEGINS: Final = {"routine": "The routine begins", "align": "The alignment begins"}
NO_PLAYER: Final = "No replay runs here any more"
LOST_S: Final = 3.0
"""An answer that has not come after this long comes no more: the player has ended meanwhile."""
ABSENT: Final = {
    "identify": "Cannot blink its light: no node offers imu_driver/identify; is the driver running?",
    "use_wearer": "Cannot use a profile: no node offers face_inference/use_wearer; is face_inference running?",
    "routine": f"Cannot begin the routine: no node offers {ROUTINE}; is face_inference running?",
    "align": f"Cannot align the sensors: no node offers {ALIGN}; is face_inference running?",
    **dict.fromkeys(("cancel", "cancel_align"), "No routine is running here"),
    "record": "Cannot record: no recorder runs here; start one in a terminal with `imusic record`, or `ros2 run imusic "
    "recorder` in the same namespace",
    "stop": "No recorder runs here any more",
    **dict.fromkeys(("pause", "resume", "seek", "set_rate"), NO_PLAYER),
}
"""What a viewer is told where nobody is there to be asked."""

Announce = Callable[[str, bool], None]


class ViewerRequests:
    """Clients of the services and the action behind the page's buttons; they cost nothing until one is pressed.

    Args:
        node: that they belong to; names are relative to its namespace.
        announce: tells every viewer a line and whether it is good news; called from any thread.
    """

    def __init__(self, node: Node, announce: Announce) -> None:
        self._node, self._announce = node, announce
        self._clients = {name: node.create_client(kind, path) for name, (kind, path) in SERVICES.items()}
        self._routine = ActionClient(node, CalibrateWearer, ROUTINE)
        self._align = ActionClient(node, AlignSensors, ALIGN)
        self._pending: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()
        self._sought: float | None = None
        self._sought_s = 0.0

    def close(self) -> None:
        """Give everything back."""
        self._routine.destroy()
        self._align.destroy()
        for client in self._clients.values():
            self._node.destroy_client(client)

    def offered(self) -> dict[str, bool]:
        """Which requests somebody is there to answer."""
        ready = {name: client.service_is_ready() for name, client in self._clients.items()}
        return {
            **ready,
            "routine": self._routine.server_is_ready(),
            "align": self._align.server_is_ready(),
        }

    def handle(self, command: Command) -> None:
        """Pass on what a viewer asked for; returns at once, the answer is announced. Called in the page's thread."""
        if command.name == "identify":
            self._ask("identify", Identify.Request(sensor_id=command.sensor), f"Unit {command.sensor} blinks its light")
        elif command.name == "use_wearer":
            self._ask("use_wearer", UseWearer.Request(wearer=command.wearer), "Profile in use")
        elif command.name == "record":
            request = StartRecording.Request(name=command.take, wearer=command.wearer, notes=command.notes)
            self._ask("record", request, "Recording")
        elif command.name == "stop":
            self._ask("stop", Trigger.Request(), "Recording ended")
        elif command.name == "routine":
            goal = CalibrateWearer.Goal(wearer=command.wearer)
            self._begin("routine", self._routine, goal, self._routine_ended)
        elif command.name == "align":
            self._begin("align", self._align, AlignSensors.Goal(), self._align_ended)
        elif command.name == "cancel":
            # What runs is one or the other; to the one that does not run it means nothing.
            self._ask("cancel", CancelGoal.Request(), "Cancelled")
            if self._clients["cancel_align"].service_is_ready():
                self._ask("cancel_align", CancelGoal.Request(), "")
        elif command.name in ("pause", "resume"):
            self._ask(command.name, Trigger.Request(), "")
        elif command.name == "set_rate":
            self._ask("set_rate", SetReplayRate.Request(rate=command.rate), "")
        elif command.name == "seek":
            self._seek(command.position)

    def _seek(self, position: float) -> None:
        """Jump; while an answer is awaited, only the last of what is asked for is remembered."""
        with self._lock:
            before = self._pending.get("seek")
            under_way = before is not None and not before.done() and time.monotonic() - self._sought_s < LOST_S
            self._sought = position if under_way else None
            if not under_way:
                self._sought_s = time.monotonic()
        if not under_way:
            self._ask("seek", SeekReplay.Request(position=position), "")
            pending = self._pending.get("seek")
            if pending is not None:
                pending.add_done_callback(self._seek_on)

    def _seek_on(self, _future: Future[Any]) -> None:
        with self._lock:
            position, self._sought = self._sought, None
        if position is not None:
            self._seek(position)

    def _ask(self, name: str, request: Any, success: str) -> None:
        client = self._clients[name]
        if not client.service_is_ready():
            self._announce(ABSENT[name], False)
            return
        before = self._pending.get(name)
        if before is not None and not before.done():
            client.remove_pending_request(before)  # whose node has ended meanwhile
        self._pending[name] = client.call_async(request)
        self._pending[name].add_done_callback(lambda future: self._answered(future, success))

    def _answered(self, future: Future[Any], success: str) -> None:
        if future.exception() is not None:
            self._announce(f"Not done: {future.exception()}", False)
            return
        response = future.result()
        good = bool(getattr(response, "success", True))
        text = str(getattr(response, "message", "")) or (success if good else "Not done")
        if text:  # what is seen anyway is not said
            self._announce(text, good)

    def _begin(self, name: str, client: ActionClient, goal: Any, ended: Callable[[Future[Any]], None]) -> None:
        if not client.server_is_ready():
            self._announce(ABSENT[name], False)
            return
        self._announce(f"{BEGINS[name]}: do what the page says", True)
        sent = client.send_goal_async(goal)
        sent.add_done_callback(lambda future: self._accepted(future, ended))

    def _accepted(self, future: Future[Any], ended: Callable[[Future[Any]], None]) -> None:
        if future.exception() is not None or not future.result().accepted:
            self._announce("The routine was refused: face_inference takes none now", False)
            return
        future.result().get_result_async().add_done_callback(ended)

    def _align_ended(self, future: Future[Any]) -> None:
        if future.exception() is not None:
            self._announce(f"The alignment ended: {future.exception()}", False)
            return
        result = future.result().result
        text = result.message or ("Sensors aligned" if result.success else "The sensors were not aligned")
        self._announce(text, bool(result.success))

    def _routine_ended(self, future: Future[Any]) -> None:
        if future.exception() is not None:
            self._announce(f"The routine ended: {future.exception()}", False)
            return
        result = future.result().result
        text = result.message or ("Routine done" if result.success else "The routine was not finished")
        if result.not_seen:
            text = f"{text} (not seen by the sensors: {', '.join(result.not_seen)})"
        self._announce(text, bool(result.success))
