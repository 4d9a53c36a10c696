"""Talks to a running graph about its wearer: routines, taps, profiles, learning while worn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from imusic.action import AlignSensors, CalibrateWearer, FindTaps
from imusic.msg import WearerPrompt
from imusic.srv import UseWearer
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from face_model import nod_and_shake, routine
from imusic_cli.errors import CommandError
from imusic_ros.enclaves import command_line_arguments

DISCOVERY_PATIENCE_S = 10.0
ANSWER_PATIENCE_S = 5.0
ROUTINE_PATIENCE_S = routine.DURATION_S + 30.0
"""The node itself ends a routine that gets no samples, and learning takes seconds."""


ALIGNMENT_PATIENCE_S = nod_and_shake.DURATION_S + 30.0
TAP_SLACK_S = 10.0

WORN_KEYS = ("wearer", "learn_while_worn", "worn_s", "worn_rounds_kept", "worn_rounds_rejected", "wearer_fits")
"""Of the diagnostics of `face_inference`: what tells how learning while worn goes."""


@dataclass(frozen=True)
class Guided:
    """What the node answered."""

    success: bool
    message: str
    seen: tuple[str, ...]
    not_seen: tuple[str, ...]


def follow_routine(wearer: str, namespace: str, show: Callable[[WearerPrompt], None]) -> Guided:
    """Start the routine in a running graph, pass on each prompt, wait for the end; Ctrl-C cancels it there too.

    Raises:
        CommandError: no node offers the routine, or it does not answer.
        KeyboardInterrupt: after the node was told.
    """
    goal = CalibrateWearer.Goal(wearer=wearer)
    name = "calibrate_wearer"
    result = _followed(
        CalibrateWearer, name, goal, namespace, lambda feedback: show(feedback.prompt), ROUTINE_PATIENCE_S
    )
    return Guided(result.success, result.message, tuple(result.seen), tuple(result.not_seen))


def align_sensors(
    goal: AlignSensors.Goal, namespace: str, show: Callable[[AlignSensors.Feedback], None]
) -> AlignSensors.Result:
    """Start an alignment in a running graph; as `follow_routine`."""
    return _followed(AlignSensors, "align_sensors", goal, namespace, show, ALIGNMENT_PATIENCE_S)


def find_taps(goal: FindTaps.Goal, namespace: str, show: Callable[[FindTaps.Feedback], None]) -> FindTaps.Result:
    """Wait for taps in a running graph; as `follow_routine`."""
    return _followed(FindTaps, "find_taps", goal, namespace, show, float(goal.patience) + TAP_SLACK_S)


def _followed(kind: Any, name: str, goal: Any, namespace: str, show: Callable[[Any], None], patience_s: float) -> Any:
    """The result of a goal; Ctrl-C cancels it in the graph, too.

    Raises:
        CommandError: no node offers the action, or it does not answer.
        KeyboardInterrupt: after the node was told.
    """
    with _node(namespace) as (node, executor):
        client = ActionClient(node, kind, f"face_inference/{name}")
        try:
            if not _spin(executor, DISCOVERY_PATIENCE_S, client.server_is_ready):
                raise CommandError(_not_offered(namespace, name))
            sent = client.send_goal_async(goal, feedback_callback=lambda told: show(told.feedback))
            handle = _answer(executor, sent, ANSWER_PATIENCE_S)
            try:
                return _answer(executor, handle.get_result_async(), patience_s).result
            except KeyboardInterrupt:
                _answer(executor, handle.cancel_goal_async(), ANSWER_PATIENCE_S)
                raise
        finally:
            client.destroy()


def use_wearer(wearer: str, namespace: str, patience_s: float = DISCOVERY_PATIENCE_S) -> str | None:
    """Let a running graph use a profile; what it answered, or None if there is no such graph.

    Raises:
        CommandError: the node refused, or does not answer.
    """
    with _node(namespace) as (node, executor):
        client = node.create_client(UseWearer, "face_inference/use_wearer")
        if not _spin(executor, patience_s, client.service_is_ready):
            return None
        response = _answer(executor, client.call_async(UseWearer.Request(wearer=wearer)), ANSWER_PATIENCE_S)
    if not response.success:
        raise CommandError(response.message)
    return str(response.message)


def learn_while_worn(learn: bool, namespace: str) -> str:
    """Let a running graph learn while worn, or no more; until it ends. What it learned stays.

    Raises:
        CommandError: no graph runs, or the node refused or does not answer.
    """
    value = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=learn)
    request = SetParameters.Request(parameters=[Parameter(name="learn_while_worn", value=value)])
    result = _called(SetParameters, "set_parameters", request, namespace).results[0]
    if not result.successful:
        raise CommandError(str(result.reason))
    return "learning while worn is on" if learn else "learning while worn is off; what was learned stays in use"


def forget_worn(namespace: str) -> str:
    """Let a running graph forget what was learned while worn, in the profile too; what it answered.

    Raises:
        CommandError: no graph runs, or the node refused or does not answer.
    """
    response = _called(Trigger, "forget_worn", Trigger.Request(), namespace)
    if not response.success:
        raise CommandError(str(response.message))
    return str(response.message)


def worn(namespace: str) -> dict[str, str]:
    """What a running graph says of learning while worn in its diagnostics, by name.

    Raises:
        CommandError: no node says anything.
    """
    place = f"{namespace.strip('/')}/face_inference".lstrip("/")
    found: dict[str, str] = {}

    def hear(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == place:
                found.update((pair.key, pair.value) for pair in status.values)

    with _node(namespace) as (node, executor):
        node.create_subscription(DiagnosticArray, "/diagnostics", hear, 10)
        if not _spin(executor, DISCOVERY_PATIENCE_S, lambda: "learn_while_worn" in found):
            raise CommandError(_not_offered(namespace, "forget_worn"))
    return {key: found[key] for key in WORN_KEYS if key in found}


def _called(kind: Any, name: str, request: Any, namespace: str) -> Any:
    """The answer of a service of `face_inference`; errors as of `forget_worn`."""
    with _node(namespace) as (node, executor):
        client = node.create_client(kind, f"face_inference/{name}")
        if not _spin(executor, DISCOVERY_PATIENCE_S, client.service_is_ready):
            raise CommandError(_not_offered(namespace, name))
        return _answer(executor, client.call_async(request), ANSWER_PATIENCE_S)


@contextmanager
def _node(namespace: str) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    # Without rclpy's handlers Ctrl-C is an ordinary KeyboardInterrupt.
    rclpy.init(args=command_line_arguments(), signal_handler_options=SignalHandlerOptions.NO)
    node = Node(f"guide_{os.getpid()}", namespace=namespace)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        yield node, executor
    except ExternalShutdownException as error:
        raise CommandError("ended from outside") from error
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


def _spin(executor: SingleThreadedExecutor, seconds: float, done: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + seconds
    while not done() and time.monotonic() < end_s:
        executor.spin_once(timeout_sec=0.1)
    return done()


def _answer(executor: SingleThreadedExecutor, future: Any, patience_s: float) -> Any:
    if not _spin(executor, patience_s, future.done):
        raise CommandError(
            f"expected face_inference to answer within {patience_s:g} s, found silence; look at what it printed"
        )
    return future.result()


def _not_offered(namespace: str, name: str) -> str:
    place = f"/{namespace.strip('/')}" if namespace.strip("/") else ""
    return (
        f"expected {place}/face_inference/{name}, found no node that offers it within {DISCOVERY_PATIENCE_S:g} s; "
        "start `imusic capture` in another terminal, with the same --namespace"
    )
