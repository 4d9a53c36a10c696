from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("rclpy", reason="no ROS 2: rclpy is not importable")
pytest.importorskip("imusic.msg", reason="the package's messages are not built: run make setup")

from imusic.msg import (
    ImuFrame,
)

from imusic_ros.qos import SENSOR_DATA
from viz_graph import USABLE, Graph, activate, watching

pytestmark = pytest.mark.ros


def test_signals_are_taken_only_while_a_viewer_plots_them(graph: Graph) -> None:
    frames = graph.other.create_publisher(ImuFrame, "imu/frame", SENSOR_DATA)
    activate(graph)
    page = graph.node._page
    with watching(page) as send:
        graph.spin_until(lambda: graph.faces.get_subscription_count(), "listening")
        assert frames.get_subscription_count() == 0
        send({"command": "watch", "signals": True})
        graph.spin_until(lambda: frames.get_subscription_count(), "listener of samples")
        message = ImuFrame(status=[USABLE] * 2, angular_velocity=[math.pi] * 6, specific_force=[9.81] * 6)

        def piece() -> bytes | None:
            for _ in range(40):
                frames.publish(message)
            pieces = page.signals(0)[1]
            return pieces[-1] if pieces else None

        payload = graph.spin_until(piece, "piece of signals")
        kind, sensors, samples, _ = np.frombuffer(payload, "<u4", 4)
        assert (kind, sensors) == (100, 2)
        assert 1 <= samples <= 5, "a plot needs no more"
        steps = np.frombuffer(payload, "<i2", -1, 16 + 8 * samples).reshape(samples, 2, 6)
        assert steps[0, 1].tolist() == [1800] * 3 + [981] * 3
        send({"command": "watch", "signals": False})
        graph.spin_until(lambda: frames.get_subscription_count() == 0, "end of it")
