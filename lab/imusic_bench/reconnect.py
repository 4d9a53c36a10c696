"""`imusic bench reconnect`: a hub that is lost while somebody talks, and comes back: when are there weights again?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
import rclpy
from imusic.msg import FaceBlendshapes, ImuFrame
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from imu_sim.hub.control import tell
from imusic_bench.running import SETTLE_S, TRANSPORTS, free_udp_port, new_namespace, started
from imusic_cli.errors import CommandError
from imusic_ros.graph import load_graph
from imusic_ros.qos import SENSOR_DATA

FUSED, RAW = "fused", "raw"
HUBS = (FUSED, RAW)
"""Whether the hub sends orientations, or the driver fuses them."""
UNPLUGGED, REBOOTED = "unplugged", "rebooted"
WAYS = (UNPLUGGED, REBOOTED)
"""The line was cut and mended while the hub ran on; or it lost its power, too, and so its clock and its headings."""

WANTED_S = 2.0
"""Weights are to be back within this."""
START_S = 120.0
_GIVEN_UP_S = 40.0
_AWAY_S = (0.5, 4.0)
_BETWEEN_S = 3.0
_LEAST_CONFIDENCE = 0.5
"""Of what it was before."""
_TALK = (
    "say:Good morning. I slept badly, and the train was late, but the coffee on the way was better than usual. "
    "We should talk about the plans for the summer: nobody has found a house yet, and my brother wants to bring both "
    "of his dogs. Perhaps we could ask the old fisherman by the lake, who has more rooms than he will ever need. What "
    "do you think?"
)


@dataclass(frozen=True)
class ReturnRow:
    """What was measured of one kind of hub on one line, lost in one way.

    Attributes:
        transport: serial (a pseudo-terminal) or udp.
        hub: fused or raw.
        lost: unplugged or rebooted.
        times: it was lost and came back.
        frame_s, frame_most_s: from its return to the first frame of samples, median and longest.
        weights_s, weights_most_s: to the first weights that follow the wearer with confidence.
        confidence: in the second after that, over that of the two seconds before the loss.
        late: times that weights took longer than 2 s.
    """

    transport: str
    hub: str
    lost: str
    times: int
    frame_s: float
    frame_most_s: float
    weights_s: float
    weights_most_s: float
    confidence: float
    late: int


@dataclass
class _Heard:
    """When what came, on the monotonic clock; of faces their state and mean confidence, too."""

    frames: list[float] = field(default_factory=list)
    faces: list[tuple[float, int, float]] = field(default_factory=list)


class _Listener:
    def __init__(self, namespace: str) -> None:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        self.heard = _Heard()
        self._node = Node("reconnect_listener", namespace=namespace)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(FaceBlendshapes, "face/blendshapes", self._on_face, SENSOR_DATA)
        self._node.create_subscription(ImuFrame, "imu/frame", self._on_frame, SENSOR_DATA, raw=True)

    def spin(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        end_s = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end_s:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def _on_face(self, face: FaceBlendshapes) -> None:
        self.heard.faces.append((time.monotonic(), int(face.state), float(np.mean(face.confidence))))

    def _on_frame(self, _: bytes) -> None:
        self.heard.frames.append(time.monotonic())


def measure_returns(
    times: int,
    transports: Sequence[str] = TRANSPORTS,
    hubs: Sequence[str] = HUBS,
    ways: Sequence[str] = WAYS,
    seed: int = 0,
    progress: Callable[[str], object] = lambda _: None,
) -> Iterator[ReturnRow]:
    """Run the graph on a simulated hub of somebody who talks, lose it and let it return, and listen.

    Raises:
        CommandError: a process ended, or nothing came.
    """
    rng = np.random.default_rng(seed)
    for transport, hub in product(transports, hubs):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imusic_")))
            line = {"udp": free_udp_port()} if transport == "udp" else {"port": str(folder / "hub")}
            control = folder / "control"
            own = {"control": str(control), "motion": _TALK, **({"no_quaternion": True} if hub == RAW else {})}
            processes = [
                replace(each, overrides={**each.overrides, **own}) if each.name == "imu_sim" else each
                for each in load_graph("headless").started_with(line)
            ]
            namespace = new_namespace()
            _, check = stack.enter_context(started({namespace: processes}))
            listener = _Listener(namespace)
            stack.callback(listener.close)
            _wait_for_a_face(listener)
            for way in ways:
                progress(f"{transport}, {hub}, {way}: {times} times")
                yield _row((transport, hub, way), [_lose(listener, control, way, rng, check) for _ in range(times)])


def _wait_for_a_face(listener: _Listener) -> None:
    if not listener.spin(START_S, lambda: _follows(listener.heard, 0.0, 0.1)):
        raise CommandError(f"expected a face within {START_S:g} s, found {listener.heard.faces[-1:]}")
    listener.spin(SETTLE_S)


def _follows(heard: _Heard, since_s: float, least: float) -> bool:
    """Whether the newest face came since then, follows the wearer and is confident."""
    if not heard.faces or heard.faces[-1][0] < since_s:
        return False
    _, state, confidence = heard.faces[-1]
    return state in (FaceBlendshapes.STATE_TRACKING, FaceBlendshapes.STATE_DEGRADED) and confidence >= least


def _lose(
    listener: _Listener, control: Path, way: str, rng: np.random.Generator, check: Callable[[], None]
) -> tuple[float, float, float]:
    """Lose the hub once; seconds from its return to a frame and to weights, and their confidence over that before."""
    heard = listener.heard
    heard.frames, heard.faces = [], []
    listener.spin(_BETWEEN_S)
    check()
    before = float(np.mean([confidence for _, _, confidence in heard.faces] or [0.0]))
    if before <= 0.0:
        raise CommandError("expected a confident face before the hub is lost, found none")
    tell(control, "unplug")
    listener.spin(float(rng.uniform(*_AWAY_S)))
    if way == REBOOTED:
        tell(control, "reboot")
    returned_s = time.monotonic()
    tell(control, "plug")
    heard.frames, heard.faces = [], []
    back = listener.spin(_GIVEN_UP_S, lambda: _follows(heard, returned_s, _LEAST_CONFIDENCE * before))
    weights_s = heard.faces[-1][0] - returned_s if back else _GIVEN_UP_S
    count = len(heard.faces)
    listener.spin(1.0)
    frame_s = heard.frames[0] - returned_s if heard.frames else _GIVEN_UP_S
    after = float(np.mean([confidence for _, _, confidence in heard.faces[count:]] or [0.0]))
    return frame_s, weights_s, after / before


def _row(case: tuple[str, str, str], measured: Sequence[tuple[float, float, float]]) -> ReturnRow:
    frames_s, weights_s, confidence = np.array(measured).T
    return ReturnRow(
        *case,
        len(measured),
        float(np.median(frames_s)),
        float(frames_s.max()),
        float(np.median(weights_s)),
        float(weights_s.max()),
        float(confidence.mean()),
        int(np.count_nonzero(weights_s > WANTED_S)),
    )
