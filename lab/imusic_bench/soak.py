"""`imusic bench soak`: the whole graph for a long time, disturbed at random, and whether it was honest about it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from imusic.msg import FaceBlendshapes, ImuFrame
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import SetBool

from imusic_bench.disturbances import DRIVER, INFERENCE, VIEWER, Disturbance, act, schedule
from imusic_bench.processes import look_at
from imusic_bench.running import new_namespace
from imusic_bench.soak_account import (
    Faces,
    Happened,
    Ledger,
    Said,
    ledger,
    old_but_tracking,
    share_not_ok,
    wrong_levels,
)
from imusic_bench.trend import Trend, fit_trend
from imusic_cli.errors import CommandError
from imusic_cli.supervisor import Supervisor
from imusic_ros.graph import load_graph

START_S = 120.0
"""Patience up to the first report of each node."""
SETTLE_S = 8.0
"""From the first report to the first account: the neutral is learned meanwhile."""
TRIES = 10
"""Of switching the samples."""
QUIET_S = 3.0
"""After the samples were switched off: what was on its way has arrived, and each node has reported."""

_DEEP = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=5000, reliability=ReliabilityPolicy.BEST_EFFORT)


@dataclass(frozen=True)
class Soak:
    """What a soak found.

    Attributes:
        minutes: between the two accounts.
        disturbances: what was done, in words.
        account: of the samples.
        wrong_levels: times that a node said OK while it was not, in words.
        old_but_tracking: faces that were over 0.15 s old and said that they follow the wearer.
        not_ok: share of each node's reports that were not OK.
        faces: that were published and heard.
        restarts: of the viewer.
        memory_kb_min: slope of the resident memory of driver and inference.
    """

    minutes: float
    disturbances: list[str]
    account: Ledger
    wrong_levels: list[str]
    old_but_tracking: int
    not_ok: dict[str, float]
    faces: int
    restarts: int
    memory_kb_min: dict[str, Trend]

    @property
    def honest(self) -> bool:
        """Nothing lost without being counted, no level OK while it was not."""
        return not self.account.in_doubt and not self.wrong_levels and not self.old_but_tracking


@dataclass
class _Heard:
    """What came, in the order of arrival; of frames the first since `first_frame` was emptied, and the newest."""

    said: list[Said] = field(default_factory=list)
    faces: list[tuple[int, float, float, int]] = field(default_factory=list)
    first_frame: bytes = b""
    frame: bytes = b""

    def newest(self) -> dict[str, Said]:
        return {each.node: each for each in self.said}

    def array(self) -> Faces:
        rows: NDArray[np.float64] = np.array(self.faces, np.float64).reshape(-1, 4)
        return Faces(rows[:, 0].astype(np.int64), rows[:, 1] + rows[:, 2], rows[:, 2], rows[:, 3].astype(np.uint8))


class Listener:
    """A node that hears the graph and may switch its samples on and off."""

    def __init__(self, namespace: str) -> None:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self.heard = _Heard()
        self._namespace = namespace
        self._node = Node("soak_listener", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 100)
        self._node.create_subscription(FaceBlendshapes, "face/blendshapes", self._on_face, _DEEP)
        self._node.create_subscription(ImuFrame, "imu/frame", self._on_frame, _DEEP, raw=True)
        self._streaming = self._node.create_client(SetBool, f"{DRIVER}/set_streaming")

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Listen until that is true; False if it is not within so many seconds."""
        end_s = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end_s:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def stream(self, wanted: bool) -> None:
        """Switch the samples on or off.

        Raises:
            CommandError: the driver did not.
        """
        if not self._streaming.wait_for_service(timeout_sec=30.0):
            raise CommandError(f"expected the service {DRIVER}/set_streaming, found none")
        for _ in range(TRIES):  # on a machine with much to do the hub may be too late for the driver's patience
            future = self._streaming.call_async(SetBool.Request(data=wanted))
            if self.spin(30.0, future.done) and future.result().success:
                return
        raise CommandError(f"expected the driver to switch its samples to {wanted}, found {future.result()}")

    def ask(self, kind: Any, service: str, request: Any, patience_s: float = 60.0) -> Any:
        """The answer of a service of the graph; None if it does not answer so soon."""
        client = self._node.create_client(kind, service)
        try:
            end_s = time.monotonic() + patience_s
            if not self.spin(patience_s, client.service_is_ready):
                return None
            future = client.call_async(request)
            return future.result() if self.spin(end_s - time.monotonic(), future.done) else None
        finally:
            self._node.destroy_client(client)

    def account_time(self) -> tuple[int, Mapping[str, Said]]:
        """Switch the samples off, wait; number of the hub's newest sample, newest status of each node."""
        self.stream(False)
        self.spin(QUIET_S)
        now_s = time.time()
        fresh = lambda: all(s.at_s > now_s for s in self.heard.newest().values())  # noqa: E731
        self.spin(10.0, fresh)
        return self.newest_number(), self.heard.newest()

    def newest_number(self) -> int:
        """Of the hub's newest sample that was heard of."""
        return _number(self.heard.frame)

    def resume(self) -> int:
        """Switch the samples on; number of the first.

        It may come before the driver's answer, and others with it.
        """
        self.heard.first_frame = b""
        self.stream(True)
        if not self.spin(START_S, lambda: bool(self.heard.first_frame)):
            raise CommandError(f"expected samples within {START_S:g} s of switching them on, found none")
        return _number(self.heard.first_frame)

    def close(self) -> None:
        """End it."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        at_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        for status in message.status:
            namespace, _, node = status.name.strip("/").rpartition("/")
            if namespace == self._namespace and node in (DRIVER, INFERENCE):
                values = {pair.key: pair.value for pair in status.values}
                level = status.level[0] if isinstance(status.level, bytes) else int(status.level)
                self.heard.said.append(Said(node, at_s, level, status.message, values))

    def _on_face(self, message: FaceBlendshapes) -> None:
        stamp_s = message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec
        self.heard.faces.append((message.sequence, stamp_s, message.age, message.state))

    def _on_frame(self, raw: bytes) -> None:
        self.heard.frame = raw
        self.heard.first_frame = self.heard.first_frame or raw


def _number(raw_frame: bytes) -> int:
    return int(deserialize_message(raw_frame, ImuFrame).sequence)


def measure_soak(minutes: float, seed: int = 0, rate_hz: int = 100, say: Callable[[str], object] = print) -> Soak:
    """Run the demo's graph, disturb it as drawn from the seed, take its account.

    Raises:
        CommandError: an essential process ended, the driver does not switch its samples, or none come.
    """
    namespace = new_namespace()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="imusic_"))
        values = {"port": str(Path(folder) / "hub"), "rate": rate_hz, "model": "imusic"}
        processes = load_graph("demo").started_with(values)
        supervisor = stack.enter_context(Supervisor(processes, namespace, lambda *_: None))
        listener = Listener(namespace)
        stack.callback(listener.close)
        return _soak(listener, supervisor, 60.0 * minutes, seed, say)


def _soak(listener: Listener, supervisor: Supervisor, seconds: float, seed: int, say: Callable[[str], object]) -> Soak:
    up = lambda: set(listener.heard.newest()) == {DRIVER, INFERENCE} and bool(listener.heard.faces)  # noqa: E731
    if not listener.spin(START_S, up):
        raise CommandError(f"expected driver and inference to report within {START_S:g} s, found {listener.heard.said}")
    listener.spin(SETTLE_S)
    newest, before = listener.account_time()
    first = listener.resume()
    happened: list[Happened] = []
    looks: list[tuple[float, dict[str, int]]] = []
    restarts: list[str] = []
    with _acting(schedule(seconds, seed), supervisor, happened, say):
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            listener.spin(1.0, lambda: False)
            restarts += [said for said in supervisor.revive() if VIEWER in said]
            if supervisor.ended():
                raise CommandError(f"expected every process to run to the end, but these ended: {supervisor.ended()}")
            pids = supervisor.pids()
            looks.append((time.monotonic(), {name: look_at(pids[name]).rss_kb for name in (DRIVER, INFERENCE)}))
    last, after = listener.account_time()
    said, faces = listener.heard.said, listener.heard.array()
    during = [each for each in said if before[each.node].at_s <= each.at_s and _streamed(each)]
    times_s = [at_s for at_s, _ in looks]
    return Soak(
        seconds / 60.0,
        [str(each.what) for each in happened],
        ledger(last - first + 1, first - newest - 1, before, after),
        wrong_levels(during, faces, happened),
        old_but_tracking(faces),
        {node: share_not_ok(during, node) for node in (DRIVER, INFERENCE)},
        len(faces.sequence),
        len(restarts),
        {name: fit_trend(times_s, [kb[name] for _, kb in looks], 60.0) for name in (DRIVER, INFERENCE)},
    )


def _streamed(said: Said) -> bool:
    return "switched off" not in said.message


@contextmanager
def _acting(
    disturbances: list[Disturbance], supervisor: Supervisor, happened: list[Happened], say: Callable[[str], object]
) -> Iterator[None]:
    """Disturb in a thread of its own, since whoever listens must not wait."""
    over = threading.Event()
    to_epoch_s = time.time() - time.monotonic()

    def done(each: Disturbance, began_s: float, ended_s: float) -> None:
        happened.append(Happened(each, began_s + to_epoch_s, ended_s + to_epoch_s))
        say(str(each))

    with ThreadPoolExecutor(1) as pool:
        acting = pool.submit(act, disturbances, lambda name: supervisor.pids()[name], over.is_set, done)
        try:
            yield
        finally:
            over.set()
        acting.result()
