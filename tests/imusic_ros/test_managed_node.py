"""The base of every node: parameters, lifecycle, diagnostics."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")

from builtin_interfaces.msg import Time as TimeMessage  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from rcl_interfaces.msg import Parameter as ParameterMessage  # noqa: E402
from rcl_interfaces.msg import ParameterValue  # noqa: E402
from rcl_interfaces.srv import SetParameters, SetParametersAtomically  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402

from imusic_ros.garbage import GarbageControl  # noqa: E402
from imusic_ros.managed_node import ConfigurationError, ManagedNode  # noqa: E402
from imusic_ros.parameters import ParameterSpec, Value  # noqa: E402

pytestmark = pytest.mark.ros

SPECS = (
    ParameterSpec("rate_hz", 100.0, "Rate.", 1.0, 200.0, unit="Hz"),
    ParameterSpec("mode", "fast", "How.", choices=("fast", "slow")),
    ParameterSpec("gain", 1.0, "Live gain.", 0.0, 2.0, live=True),
)


class Recorder(ManagedNode):
    """Keeps the calls it gets."""

    def __init__(self, **options: object) -> None:
        self.calls: list[str] = []
        self.changed: list[tuple[str, Value]] = []
        self.problem: Exception | None = None
        super().__init__("recorder", SPECS, **options)

    def configure(self) -> None:
        self.calls.append("configure")
        if self.problem is not None:
            raise self.problem

    def activate(self) -> None:
        self.calls.append("activate")

    def deactivate(self) -> None:
        self.calls.append("deactivate")

    def cleanup(self) -> None:
        self.calls.append("cleanup")

    def parameter_changed(self, name: str, value: Value) -> None:
        assert self.value(name) == value, "told after the change"
        self.changed.append((name, value))


@pytest.fixture
def context() -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture
def node(context: None) -> Iterator[Recorder]:
    node = Recorder()
    yield node
    node.close()
    node.destroy_node()


def test_the_lifecycle_can_be_walked_again_and_again(node: Recorder) -> None:
    for _ in range(20):
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert node.is_active
        assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    assert node.calls == ["configure", "activate", "deactivate", "cleanup"] * 20


@pytest.mark.parametrize("problem", [ConfigurationError("no such model"), KeyError("bug")])
def test_a_failed_configure_cleans_up_says_why_and_can_be_repeated(node: Recorder, problem: Exception) -> None:
    node.problem = problem
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert node.calls == ["configure", "cleanup"]
    health = node._current_health()
    assert str(problem) in health.message or "KeyError" in health.message
    assert health.values["lifecycle"] == "unconfigured"
    assert health.values["failure"] in health.message
    node.problem = None
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS


def test_a_node_may_refuse_what_its_table_allows(node: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "parameter_refusal", lambda _self, name, value: f"{name}: not {value}")
    (result,) = node.set_parameters([Parameter("gain", value=0.5)])
    assert (result.successful, result.reason) == (False, "gain: not 0.5")
    (result,) = node.set_parameters([Parameter("gain", value=7.0)])
    assert "not 7" not in result.reason


def test_an_activation_that_fails_is_told_and_the_node_can_be_configured_again(
    node: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.trigger_configure()
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "activate", lambda _self: {}["bug"])
        assert node.trigger_activate() == TransitionCallbackReturn.ERROR
    assert node.calls == ["configure", "cleanup"]
    assert node.lifecycle == "unconfigured"
    assert "KeyError" in node._current_health().message
    (result,) = node.set_parameters([Parameter("rate_hz", value=50.0)])
    assert result.successful
    node.start_by_itself()
    assert node.is_active
    assert "failure" not in node._current_health().values


def test_a_path_that_the_system_refuses_is_no_bug_of_ours(node: Recorder) -> None:
    node.problem = OSError(36, "File name too long", "A" * 3000)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    message = node._current_health().message
    assert "report it" not in message
    assert "File name too long" in message
    assert len(message) < 700


@pytest.mark.parametrize("name", ["", "no good", "{sensor}", "a//b", "5x", "~no/x", "a/"])
def test_what_cannot_name_a_topic_is_refused(context: None, name: str) -> None:
    node = ManagedNode("named", [ParameterSpec("faces", name, "Topic.")])
    try:
        with pytest.raises(ConfigurationError, match="faces: expected the name of a topic, found"):
            node.topic("faces")
    finally:
        node.destroy_node()


@pytest.mark.parametrize(
    ("told", "found"), [("", Path("/usual")), ("none", None), ("/a/b", Path("/a/b")), ("~/c", Path("/home/ann/c"))]
)
def test_a_folder_is_told_or_the_usual_one_or_none(
    context: None, told: str, found: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    node = ManagedNode("keeping", [ParameterSpec("place", told, "Folder.")])
    try:
        assert node.folder("place", Path("/usual")) == found
    finally:
        node.destroy_node()


def test_a_folder_in_nobodys_home_is_refused(context: None) -> None:
    node = ManagedNode("keeping", [ParameterSpec("place", "~nobody_at_all/x", "Folder.")])
    try:
        with pytest.raises(ConfigurationError, match="place: expected a folder or none, found '~nobody_at_all/x'"):
            node.folder("place", Path("/usual"))
    finally:
        node.destroy_node()


def test_publishers_that_are_gone_are_not_activated(node: Recorder) -> None:
    before = set(node._managed_entities)
    node.destroy_publisher(node.create_lifecycle_publisher(DiagnosticArray, "there", 1))
    assert set(node._managed_entities) == before


def test_close_releases_from_any_state_and_twice(node: Recorder) -> None:
    node.trigger_configure()
    node.trigger_activate()
    node.close()
    node.close()
    assert node.calls == ["configure", "activate", "deactivate", "cleanup"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("rate_hz", 0.5, "range"), ("rate_hz", 7, "type"), ("mode", "odd", "expected one of fast, slow, found 'odd'")],
)
def test_invalid_values_are_refused_live_with_a_reason(node: Recorder, name: str, value: Value, reason: str) -> None:
    (result,) = node.set_parameters([Parameter(name, value=value)])
    assert not result.successful
    assert reason in result.reason.lower() or reason in result.reason


@pytest.mark.parametrize(("name", "value"), [("rate_hz", 500.0), ("rate_hz", 7), ("mode", "odd")])
def test_invalid_values_are_refused_at_start(context: None, name: str, value: Value) -> None:
    from imusic_ros.process import PARAMETER_ERRORS

    with pytest.raises((ConfigurationError, *PARAMETER_ERRORS)):
        Recorder(parameter_overrides=[Parameter(name, value=value)])


def test_only_live_parameters_change_while_configured(node: Recorder) -> None:
    node.trigger_configure()
    refused, taken = node.set_parameters([Parameter("rate_hz", value=50.0), Parameter("gain", value=0.5)])
    assert "run cleanup first" in refused.reason
    assert taken.successful
    assert node.changed == [("gain", 0.5)]


def test_descriptions_and_ranges_are_told(node: Recorder) -> None:
    descriptor = node.describe_parameter("rate_hz")
    assert descriptor.description == "Rate (1 to 200 Hz). Read when the node is configured."
    assert descriptor.floating_point_range[0].to_value == 200.0
    assert "fast, slow" in node.describe_parameter("mode").additional_constraints
    assert node.describe_parameter("gain").description.endswith("Live: can change while the node runs.")


def test_diagnostics_tell_the_lifecycle_in_every_state(node: Recorder) -> None:
    heard: list[DiagnosticStatus] = []

    def keep_own(message: DiagnosticArray) -> None:  # other graphs on this machine speak here too
        heard.extend(status for status in message.status if status.name == "recorder")

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    node.create_subscription(DiagnosticArray, "/diagnostics", keep_own, 10)

    def told() -> tuple[bytes, dict[str, str]]:
        heard.clear()
        node._publish_health()
        while not heard:
            executor.spin_once(timeout_sec=5.0)
        return heard[-1].level, {value.key: value.value for value in heard[-1].values}

    assert told() == (DiagnosticStatus.STALE, {"lifecycle": "unconfigured"})
    node.problem = ConfigurationError("no such model")
    node.trigger_configure()
    assert told() == (DiagnosticStatus.ERROR, {"lifecycle": "unconfigured", "failure": "no such model"})
    node.problem = None
    node.trigger_configure()
    assert told() == (DiagnosticStatus.STALE, {"lifecycle": "inactive"})
    node.trigger_activate()
    assert told() == (DiagnosticStatus.OK, {"lifecycle": "active"})
    node.trigger_shutdown()
    assert told() == (DiagnosticStatus.STALE, {"lifecycle": "finalized"})
    executor.shutdown()


def test_garbage_is_controlled_while_it_is_active(node: Recorder) -> None:
    node.garbage = GarbageControl()
    for _ in range(2):
        node.trigger_configure()
        assert gc.isenabled()
        node.trigger_activate()
        assert not gc.isenabled()
        node.trigger_deactivate()
        assert gc.isenabled()
        node.trigger_cleanup()
    node.trigger_configure()
    node.trigger_activate()
    node.close()
    assert gc.isenabled()


@pytest.mark.parametrize("early", [True, False])
def test_impossible_times_of_clock_are_passed_over_and_told(context: None, early: bool) -> None:
    simulated = Parameter("use_sim_time", value=True)
    node = Recorder(parameter_overrides=[simulated]) if early else Recorder()
    try:
        node.set_parameters([simulated])
        node.start_by_itself()
        (clock,) = (each for each in node.subscriptions if each.topic_name == "/clock")
        clock.callback(Clock(clock=TimeMessage(sec=5)))
        clock.callback(Clock(clock=TimeMessage(sec=2**31 - 1, nanosec=2**32 - 1)))
        clock.callback(Clock(clock=TimeMessage(sec=-5)))
        assert node.get_clock().now().nanoseconds == 5_000_000_000
        health = node._current_health()
        assert (health.level, health.values["clock"]) == (1, "impossible")
        assert "-5 s and 0 ns, which is passed over" in health.message
        clock.callback(Clock(clock=TimeMessage(sec=6)))
        assert node._current_health().values["clock"] == "simulated"
    finally:
        node.destroy_node()


def test_requests_of_impossible_types_and_names_are_refused_beside_good_ones(node: Recorder) -> None:
    services = {service.srv_type: service.callback for service in node.services}
    good = ParameterMessage(name="gain", value=ParameterValue(type=3, double_value=0.5))
    odd = ParameterMessage(name="gain", value=ParameterValue(type=77))
    nameless = ParameterMessage(name="", value=ParameterValue(type=2))
    each = services[SetParameters](SetParameters.Request(parameters=[odd, good, nameless]), SetParameters.Response())
    assert [result.successful for result in each.results] == [False, True, False]
    assert "found 77" in each.results[0].reason
    assert "name of a parameter" in each.results[2].reason
    assert node.value("gain") == 0.5
    ask, answer = SetParametersAtomically, SetParametersAtomically.Response
    assert not services[ask](ask.Request(parameters=[good, odd]), answer()).result.successful
    assert services[ask](ask.Request(parameters=[good]), answer()).result.successful
