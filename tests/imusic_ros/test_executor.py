"""The direct executor behaves as rclpy's own, only cheaper."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.action import CalibrateWearer  # noqa: E402
from rclpy.action import ActionClient, ActionServer  # noqa: E402
from rclpy.callback_groups import ReentrantCallbackGroup  # noqa: E402
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor  # noqa: E402
from rclpy.task import Future  # noqa: E402
from rclpy.timer import TimerInfo  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from imusic_ros import executor as executor_module  # noqa: E402
from imusic_ros.executor import DirectExecutor, make_executor  # noqa: E402
from imusic_ros.managed_node import ManagedNode  # noqa: E402
from imusic_ros.qos import RELIABLE, SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

PATIENCE_S = 20.0


class Bench:
    """A node with an executor; `ended` ends a spin."""

    def __init__(self, kind: type[SingleThreadedExecutor]) -> None:
        self.executor = kind()
        self.node = ManagedNode("bench", ())
        self.executor.add_node(self.node)
        self.ended: Future[None] = Future()

    def end(self, *_: object) -> None:
        """End the spin."""
        if not self.ended.done():
            self.ended.set_result(None)
            self.executor.wake()

    def spin(self) -> None:
        """Until `end`."""
        self.executor.spin_until_future_complete(self.ended, PATIENCE_S)
        assert self.ended.done()
        self.ended = Future()

    def link(self, topic: str, callback: Callable[[Header], Any], qos: Any = SENSOR_DATA) -> Any:
        """A publisher to a subscription of the node."""
        self.node.create_subscription(Header, topic, callback, qos)
        publisher = self.node.create_publisher(Header, topic, qos)
        timer = self.node.create_timer(0.01, lambda: publisher.get_subscription_count() and self.end())
        self.spin()
        self.node.destroy_timer(timer)
        return publisher


@pytest.fixture(params=[DirectExecutor, SingleThreadedExecutor])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    rclpy.init()
    bench = Bench(request.param)
    yield bench
    bench.executor.shutdown()
    bench.node.destroy_node()
    rclpy.try_shutdown()


def test_every_message_arrives_in_order(bench: Bench) -> None:
    seen: list[str] = []

    def take(message: Header) -> None:
        seen.append(message.frame_id)
        if len(seen) == 5:
            bench.end()

    publisher = bench.link("numbers", take)
    for i in range(5):
        publisher.publish(Header(frame_id=str(i)))
    bench.spin()
    assert seen == list("01234")


def test_frames_of_several_people_are_called_for_once(bench: Bench) -> None:
    waiting: list[str] = []
    batches: list[list[str]] = []

    def work() -> None:
        batches.append(sorted(waiting))
        waiting.clear()
        if sum(map(len, batches)) == 5:
            bench.end()

    def take(message: Header) -> None:
        waiting.append(message.frame_id)
        bench.node.call_after_ready(work)
        bench.node.call_after_ready(work)

    publishers = {name: bench.link(f"{name}/frame", take) for name in ("alice", "bob", "carol")}
    for name in ("alice", "bob", "carol", "alice", "bob"):
        publishers[name].publish(Header(frame_id=name))
    bench.spin()
    assert batches == [["alice", "bob", "carol"], ["alice", "bob"]]


def test_a_batch_is_also_called_for_while_a_coroutine_is_under_way(bench: Bench) -> None:
    begun, done = Future(), Future(executor=bench.executor)
    batches: list[int] = []
    waiting: list[str] = []

    def work() -> None:
        batches.append(len(waiting))
        waiting.clear()
        done.set_result(None)

    def take(message: Header) -> None:
        waiting.append(message.frame_id)
        bench.node.call_after_ready(work)

    async def wait_for_batch() -> None:
        begun.set_result(None)
        await done
        bench.end()

    publishers = [bench.link(name, take) for name in ("left", "right")]
    bench.executor.create_task(wait_for_batch)
    bench.executor.spin_until_future_complete(begun, PATIENCE_S)
    for publisher in publishers:
        publisher.publish(Header(frame_id="x"))
    bench.spin()
    assert batches == [2]


def test_a_service_waits_for_a_message(bench: Bench) -> None:
    asked: Future[None] = Future(executor=bench.executor)

    async def answer(request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        publisher.publish(Header(frame_id="hello"))
        await asked
        response.message = "heard"
        return response

    publisher = bench.link("voice", lambda message: asked.set_result(None), RELIABLE)
    group = ReentrantCallbackGroup()
    bench.node.create_service(SetBool, "ask", answer, callback_group=group)
    client = bench.node.create_client(SetBool, "ask", callback_group=group)
    timer = bench.node.create_timer(0.01, lambda: client.service_is_ready() and bench.end())
    bench.spin()
    bench.node.destroy_timer(timer)
    call = client.call_async(SetBool.Request(data=True))
    bench.executor.spin_until_future_complete(call, PATIENCE_S)
    assert call.result().message == "heard"


def test_an_action_runs_to_its_result(bench: Bench) -> None:
    async def execute(goal: Any) -> CalibrateWearer.Result:
        goal.publish_feedback(CalibrateWearer.Feedback())
        goal.succeed()
        return CalibrateWearer.Result(success=True)

    felt: list[object] = []
    server = ActionServer(bench.node, CalibrateWearer, "routine", execute)
    client = ActionClient(bench.node, CalibrateWearer, "routine")
    timer = bench.node.create_timer(0.01, lambda: client.server_is_ready() and bench.end())
    bench.spin()
    bench.node.destroy_timer(timer)
    accepted = client.send_goal_async(CalibrateWearer.Goal(), feedback_callback=felt.append)
    bench.executor.spin_until_future_complete(accepted, PATIENCE_S)
    result = accepted.result().get_result_async()
    bench.executor.spin_until_future_complete(result, PATIENCE_S)
    assert result.result().result.success
    client.destroy()
    server.destroy()


def test_callbacks_that_take_more_or_are_coroutines_are_called_too(bench: Bench) -> None:
    seen: list[str] = []

    def note(what: str) -> None:
        if what not in seen:
            seen.append(what)
        if len(seen) == 4:
            bench.end()

    def with_info(message: Header, info: Any) -> None:
        note("message and info")

    async def coroutine(message: Header) -> None:
        note("coroutine")

    def timer_info(info: TimerInfo) -> None:
        note("timer info")

    timer_info.__annotations__["info"] = TimerInfo  # rclpy knows the type only, not its name
    publishers = [bench.link("info", with_info), bench.link("coroutine", coroutine)]
    bench.node.create_timer(0.005, timer_info)
    guard = bench.node.create_guard_condition(lambda: note("guard"))
    guard.trigger()
    for publisher in publishers:
        publisher.publish(Header())
    bench.spin()
    assert sorted(seen) == ["coroutine", "guard", "message and info", "timer info"]


def test_a_callback_may_destroy_and_make_what_is_waited_for(bench: Bench) -> None:
    seen: list[str] = []

    def second(message: Header) -> None:
        seen.append("second")
        bench.end()

    def first(message: Header) -> None:
        seen.append("first")
        for subscription in list(bench.node.subscriptions):
            if subscription.topic_name == "/first":
                bench.node.destroy_subscription(subscription)
        bench.node.create_subscription(Header, "first", second, RELIABLE)
        bench.node.create_timer(0.01, lambda: publisher.publish(Header()))

    publisher = bench.link("first", first, RELIABLE)
    publisher.publish(Header())
    publisher.publish(Header())
    bench.spin()
    assert seen == ["first", "second"]


def test_a_timer_that_another_one_cancels_is_not_called(bench: Bench) -> None:
    calls: list[int] = []
    timers: list[Any] = []

    def cancel_the_other(own: int) -> None:
        calls.append(own)
        timers[1 - own].cancel()
        bench.end()

    timers += [bench.node.create_timer(1e-4, lambda own=own: cancel_the_other(own)) for own in (0, 1)]
    bench.spin()
    assert len(set(calls)) == 1


def test_an_error_in_a_callback_ends_the_spin(bench: Bench) -> None:
    def fail(message: Header) -> None:
        raise KeyError("bug")

    bench.link("bad", fail).publish(Header())
    with pytest.raises(KeyError, match="bug"):
        bench.spin()


def test_tasks_and_futures_of_other_threads_wake_it(bench: Bench) -> None:
    def from_outside() -> None:
        bench.executor.create_task(bench.end)

    thread = threading.Thread(target=from_outside)
    bench.node.create_timer(0.01, lambda: thread.ident or thread.start())
    bench.spin()
    thread.join()


def test_a_spin_ends_in_time_and_with_its_context(bench: Bench) -> None:
    bench.executor.spin_until_future_complete(Future(), 0.01)
    bench.node.create_timer(0.01, rclpy.shutdown)
    bench.executor.spin_until_future_complete(Future(), PATIENCE_S)
    assert not rclpy.ok()


@pytest.mark.parametrize("bench", [DirectExecutor], indirect=True)
def test_a_wait_ends_when_another_thread_ends_the_context(bench: Bench) -> None:
    thread = threading.Thread(target=rclpy.shutdown)
    bench.executor.create_task(thread.start)
    with contextlib.suppress(ExternalShutdownException):  # raised where the wait had begun
        bench.executor.spin_until_future_complete(Future(), PATIENCE_S)
    thread.join()
    assert not rclpy.ok()


def test_an_rclpy_that_is_made_otherwise_gets_its_own_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    rclpy.init()
    usual, reason = make_executor()
    assert isinstance(usual, DirectExecutor)
    assert reason == ""
    usual.shutdown()

    class Other(DirectExecutor):
        """One whose rclpy calls its guard something else."""

        @property
        def _guard(self) -> None:
            raise AttributeError

        @_guard.setter
        def _guard(self, value: Any) -> None:
            pass

        def shutdown(self, timeout_sec: float | None = None) -> bool:
            return True

    monkeypatch.setattr(executor_module, "DirectExecutor", Other)
    other, reason = make_executor()
    assert type(other) is SingleThreadedExecutor
    assert "_guard" in reason
    other.shutdown()
    rclpy.try_shutdown()
