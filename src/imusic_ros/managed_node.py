"""Base of every node: declared parameters, a lifecycle that can be repeated, and diagnostics."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.exceptions import InvalidTopicNameException
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.timer import Timer
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_topic_name import validate_topic_name

from imusic_ros.executor import DirectExecutor
from imusic_ros.garbage import GarbageControl
from imusic_ros.health import ERROR, STALE, WARN, Health
from imusic_ros.node_time import NodeTime
from imusic_ros.parameter_requests import guard_parameter_services
from imusic_ros.parameters import ParameterSpec, Value
from imusic_ros.possible_clock import PossibleClock

AUTOSTART = ParameterSpec(
    "autostart", False, "Configure and activate by itself at start; off when a lifecycle manager does it."
)
DIAGNOSTICS_PERIOD_S = 1.0
NO_FOLDER = "none"
"""Value of a parameter for a folder: nothing is kept."""
LONGEST_REASON = 500
"""Characters of what the system says of a path, which repeats the path."""
RCLError = _rclpy.RCLError


class ConfigurationError(Exception):
    """The node cannot be configured; the message says what was expected, what was found and what to do."""


class ManagedNode(LifecycleNode):  # type: ignore[misc]
    """A lifecycle node whose subclass writes four plain methods.

    `configure` reads parameters and opens devices or models and raises `ConfigurationError` when it cannot: the node
    then stays unconfigured and says why. `activate` starts work, `deactivate` stops it, `cleanup` releases what
    `configure` took; all may be repeated in any legal order. `health` is called once a second while it is active.

    Diagnostics are published once a second in every state. Beside what `health` tells they hold the value `lifecycle`
    (unconfigured, inactive, active or finalized) and, where the last configuration was refused, `failure` with the
    reason, so that a program can wait for a node without reading its log.

    With `use_sim_time` the ROS clock is that of `/clock`, which may stand still and go back. Timers therefore follow
    the computer's clock unless they are told otherwise, durations are measured by `now_s`, and diagnostics tell of
    `/clock`.

    Attributes:
        garbage: controls garbage collection while the node is active, where it has a process of its own.
    """

    def __init__(self, name: str, parameters: Sequence[ParameterSpec], **options: Any) -> None:
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        super().__init__(name, **options)
        self._clock_messages = PossibleClock(self)
        guard_parameter_services(self)
        self._time = NodeTime(self._simulated_s)
        self._clock_told: float | None = None
        self._specs = {spec.name: spec for spec in (*parameters, AUTOSTART)}
        self._configured = False
        self._active = False
        self._finalized = False
        self._failure: str | None = None
        self._after_ready: list[Callable[[], object]] = []
        self.garbage: GarbageControl | None = None
        for spec in self._specs.values():
            self.declare_parameter(spec.name, spec.default, spec.descriptor())
        self._refuse_bad_start()
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self.add_post_set_parameters_callback(self._after_set_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._diagnostics_timer = self.create_timer(DIAGNOSTICS_PERIOD_S, self._publish_health)

    # What a subclass writes.

    def configure(self) -> None:
        """Read parameters, open devices or models. Raise `ConfigurationError` if that cannot be done."""

    def activate(self) -> None:
        """Start publishing."""

    def deactivate(self) -> None:
        """Stop publishing; keep what `configure` opened."""

    def cleanup(self) -> None:
        """Release what `configure` opened. Also called after a `configure` that failed half-way."""

    def health(self) -> Health:
        """How the node is while it is active."""
        return Health(0, "running")

    def health_of_places(self) -> Mapping[str, Health]:
        """Health of each namespace, relative to the node's own, that the node works for; asked for while active."""
        return {}

    def parameter_changed(self, name: str, value: Value) -> None:
        """A live parameter has changed to this valid value; `value` of it and of others is the new one already."""

    def parameter_refusal(self, name: str, value: Value) -> str | None:
        """Why this value, of the right type and within its bounds, cannot be set all the same; None if it can."""
        return None

    # What a subclass uses.

    def value(self, name: str) -> Any:
        """Current value of a declared parameter."""
        return self.get_parameter(name).value

    def now_s(self) -> float:
        """Seconds that never go back, and stand still while `/clock` does: for silences, patience and other durations.

        `time.monotonic` without `use_sim_time`. To be called from any thread.
        """
        return self._time.now_s()

    @property
    def is_simulated(self) -> bool:
        """Whether the ROS clock is that of `/clock`: then its rate says nothing about this computer's."""
        return bool(self.get_clock().ros_time_is_active)

    def create_timer(
        self, timer_period_sec: float, callback: Any, callback_group: Any = None, clock: Any = None, **options: Any
    ) -> Timer:
        """As rclpy's, but by the computer's clock if none is given: a node goes on while `/clock` stands still."""
        return super().create_timer(
            timer_period_sec, callback, callback_group, clock if clock is not None else self._steady, **options
        )

    @property
    def is_active(self) -> bool:
        """Whether the node is in the state active."""
        return self._active

    @property
    def lifecycle(self) -> str:
        """Name of the node's primary state, as ROS spells it."""
        if self._active:
            return "active"
        if self._finalized:
            return "finalized"
        return "inactive" if self._configured else "unconfigured"

    def topic(self, parameter: str, kind: str = "topic") -> str:
        """Value of a parameter that names a topic or a service.

        Raises:
            ConfigurationError: no topic can have that name.
        """
        name = str(self.value(parameter))
        try:
            validate_topic_name(name)
            validate_full_topic_name(self.resolve_topic_name(name))
        except (InvalidTopicNameException, RCLError, ValueError) as error:
            told = " ".join(str(error).split())
            raise ConfigurationError(
                f"{parameter}: expected the name of a {kind}, found {name!r} ({told}); correct it"
            ) from error
        return name

    def folder(self, parameter: str, otherwise: Path) -> Path | None:
        """Value of a parameter that names a folder to keep something in; `none`: None, empty: `otherwise`.

        Raises:
            ConfigurationError: it is in nobody's home.
        """
        told = str(self.value(parameter))
        try:
            return None if told == NO_FOLDER else Path(told).expanduser() if told else otherwise
        except RuntimeError as error:
            raise ConfigurationError(f"{parameter}: expected a folder or none, found {told!r} ({error})") from error

    def destroy_publisher(self, publisher: Any) -> bool:
        """As rclpy's, which goes on to activate a lifecycle publisher that is gone."""
        self._managed_entities.discard(publisher)
        return bool(super().destroy_publisher(publisher))

    def call_after_ready(self, callback: Callable[[], object]) -> None:
        """Call `callback` once, after all messages that are ready now were delivered; for use in callbacks.

        So frames of several subscriptions are worked on in one batch: each message callback keeps its message and
        asks for the same `callback` (a method, or a function that is always the same object). Asking again before it
        is called changes nothing. On a `DirectExecutor` no subscription delivers a second message before the call.
        """
        executor = self.executor
        if isinstance(executor, DirectExecutor):
            executor.call_after_ready(callback)
        elif executor is not None and callback not in self._after_ready:
            self._after_ready.append(callback)
            executor.create_task(self._call_after_ready, callback)

    def _call_after_ready(self, callback: Callable[[], object]) -> None:
        self._after_ready.remove(callback)
        callback()

    # Lifecycle transitions, called by rclpy.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; FAILURE with a logged reason leaves the node unconfigured."""
        try:
            self.configure()
        except ConfigurationError as error:
            return self._refuse_configuration(str(error))
        except OSError as error:  # a path that is too long, loops or cannot be asked for
            told = f"expected to use what the parameters name, found: {error}"
            return self._refuse_configuration(f"{told[:LONGEST_REASON]}; correct them, or its rights")
        except Exception:  # noqa: BLE001 - the graph must go on and the reason must be seen
            return self._refuse_configuration(f"unexpected error, please report it:\n{traceback.format_exc()}")
        self._configured, self._failure = True, None
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable publishers, then start work."""
        super().on_activate(state)
        if self.garbage is not None:
            self.garbage.begin()
        try:
            self.activate()
        except Exception:  # noqa: BLE001 - rclpy would pass over it in silence
            self._failure = f"activation failed, please report it:\n{traceback.format_exc()}"
            self.get_logger().error(self._failure)
            return TransitionCallbackReturn.ERROR
        self._active = True
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop work, then disable publishers."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything; the node can be configured again."""
        self._configured = False
        self.cleanup()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and release, whatever the state."""
        self.close()
        self._finalized = True
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Of a transition that failed half-way: release what there is, so that the node can be configured again."""
        self._active = self._configured = False
        if self.garbage is not None:
            self.garbage.end()
        self.cleanup()
        return TransitionCallbackReturn.SUCCESS

    def start_by_itself(self) -> None:
        """Walk to active, as `autostart` asks for; a refused configuration is logged by `on_configure`."""
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def close(self) -> None:
        """Stop and release, whatever the state; may be called twice."""
        if self._active:
            self._stop()
        if self._configured:
            self._configured = False
            self.cleanup()

    def _stop(self) -> None:
        self._active = False
        self.deactivate()
        if self.garbage is not None:
            self.garbage.end()

    def _refuse_configuration(self, reason: str) -> TransitionCallbackReturn:
        self._failure = reason
        self.get_logger().error(f"not configured: {reason}")
        self.cleanup()
        return TransitionCallbackReturn.FAILURE

    # Parameters.

    def _refuse_bad_start(self) -> None:
        refusals = [spec.refusal(self.value(spec.name)) for spec in self._specs.values()]
        reasons = [reason for reason in refusals if reason]
        if reasons:
            raise ConfigurationError("; ".join(reasons))

    def _on_set_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            if spec is None:
                continue
            if self._configured and not spec.live:
                reason = f"{spec.name} can change only while {self.get_name()} is unconfigured: run cleanup first"
                return SetParametersResult(successful=False, reason=reason)
            refusal = spec.refusal(parameter.value) or self.parameter_refusal(spec.name, parameter.value)
            if refusal:
                return SetParametersResult(successful=False, reason=refusal)
        return SetParametersResult(successful=True)

    def _after_set_parameters(self, parameters: list[Parameter]) -> None:
        for parameter in parameters:
            if self._configured and parameter.name in self._specs:
                self.parameter_changed(parameter.name, parameter.value)

    # Diagnostics.

    def _simulated_s(self) -> float | None:
        return 1e-9 * self.get_clock().now().nanoseconds if self.is_simulated else None

    def _current_health(self) -> Health:
        """With what is to be said of `/clock`; called once for each publication."""
        then, now = self._clock_told, self._simulated_s()
        self._clock_told = now
        health = self._own_health()
        if now is None:
            return health
        impossible = self._clock_messages.news()
        if impossible:
            passed_over = f"/clock tells a time of {impossible}, which is passed over: {health.message}"
            return replace(
                health,
                level=max(health.level, WARN),
                message=f"{passed_over}; mend who publishes it (`ros2 topic info -v /clock`)",
                values={**health.values, "clock": "impossible"},
            )
        if now == 0.0:
            waiting = f"use_sim_time is on and nothing is heard on /clock: {health.message}; publish it, or turn it off"
            return replace(
                health, level=max(health.level, WARN), message=waiting, values={**health.values, "clock": "none"}
            )
        told = "simulated" if then is None or now > then else "stands still" if now == then else "went back"
        return replace(health, values={**health.values, "clock": told})

    def _own_health(self) -> Health:
        if self._active:
            return self._with_lifecycle(self.health())
        if self._failure is not None:
            return self._with_lifecycle(Health(ERROR, f"not configured: {self._failure}"))
        return self._with_lifecycle(Health(STALE, self.lifecycle))

    def _with_lifecycle(self, health: Health) -> Health:
        state = {"lifecycle": self.lifecycle}
        if self._failure is not None:
            state["failure"] = self._failure
        return replace(health, values={**state, **health.values})

    def _publish_health(self) -> None:
        message = DiagnosticArray()
        message.header.stamp = self.get_clock().now().to_msg()
        here, name = self.get_namespace().strip("/"), self.get_name()
        healths = {"": self._current_health()}
        if self._active:
            healths |= {place: self._with_lifecycle(health) for place, health in self.health_of_places().items()}
        message.status = [
            status
            for place, health in healths.items()
            for status in health.all_statuses("/".join(part for part in (here, place, name) if part), "imusic")
        ]
        self._diagnostics.publish(message)
        if self.garbage is not None:
            self.garbage.collect()
