"""Hears what the wearer is asked for from ROS, where it is there: the one thing that the simulated hub knows of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

import rclpy
from imusic.msg import WearerPrompt
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from face_model import nod_and_shake
from face_model.routine import DURATION_S
from imu_sim.hub.cued_motion import ALIGNMENT_AT_S
from imusic_ros.qos import LATCHED

TOPIC = "face/prompt"


class PromptListener:
    """Listens in a thread of its own; use as a context manager.

    Args:
        namespace: of the wearer who is simulated.
        on_prompt: called in that thread with the time since the routine's beginning, s; that of a nod and a shake
            counts from `ALIGNMENT_AT_S` on. None: it is over.
    """

    def __init__(self, namespace: str, on_prompt: Callable[[float | None], None]) -> None:
        self._on_prompt = on_prompt
        self._context = Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node("imu_sim", namespace=namespace, context=self._context)
        self._node.create_subscription(WearerPrompt, TOPIC, self._hear, LATCHED)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._listen, name="prompts", daemon=True)

    def __enter__(self) -> PromptListener:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _listen(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return  # somebody else ended the context

    def _hear(self, prompt: WearerPrompt) -> None:
        if not prompt.text or not prompt.count:
            self._on_prompt(None)
            return
        stamp = prompt.header.stamp
        late_s = time.time() - (stamp.sec + 1e-9 * stamp.nanosec)
        # A clock of another machine may be anything; a prompt on this one is some milliseconds old.
        late_s = late_s if 0.0 < late_s < 1.0 else 0.0
        if prompt.count == nod_and_shake.PROMPTS:
            self._on_prompt(ALIGNMENT_AT_S + nod_and_shake.DURATION_S - prompt.routine_left + late_s)
        else:
            self._on_prompt(DURATION_S - prompt.routine_left + late_s)
