"""A tiny face for tests that need no likeness; the viewer's node beside another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from face_model import arkit
from face_model.rig import LANDMARKS, Corrective, FaceRig


@pytest.fixture(scope="session")
def small_rig() -> FaceRig:
    """A bent grid of 9 x 9 vertices facing x, with random displacements for some of the shapes, and correctives."""
    random = np.random.default_rng(5)
    y, z = (g.ravel() for g in np.meshgrid(np.linspace(-0.07, 0.07, 9), np.linspace(-0.1, 0.1, 9), indexing="ij"))
    neutral = np.stack([0.1 - 4.0 * (y**2 + z**2), y, z], axis=1).astype(np.float32)
    corner = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
    first = np.stack([corner, corner + 9, corner + 10], axis=1)
    second = np.stack([corner, corner + 10, corner + 1], axis=1)
    deltas = np.zeros((arkit.COUNT, 81, 3), np.float32)
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        moved = random.choice(81, 20, replace=False)
        deltas[arkit.INDEX[name], moved] = random.normal(0.0, 0.004, (20, 3))
    jaw, smile = arkit.INDEX["jawOpen"], arkit.INDEX["mouthSmileLeft"]
    correctives = []
    for pair in ((jaw, smile), (jaw, jaw)):
        delta = np.zeros((81, 3), np.float32)
        delta[random.choice(81, 10, replace=False)] = random.normal(0.0, 0.004, (10, 3))
        correctives.append(Corrective(pair, delta))
    return FaceRig(
        name="grid",
        neutral=neutral,
        triangles=np.concatenate([first, second]).astype(np.int32),
        deltas=deltas,
        colors=random.integers(0, 256, (81, 3), dtype=np.uint8),
        parts={"skin": slice(0, 72), "eye_left": slice(72, 81)},
        landmarks={name: 10 * i for i, name in enumerate(LANDMARKS)},
        lip_vertices=np.array([40, 41], np.int32),
        correctives=tuple(correctives),
    )


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A `viz_graph.Graph`; for tests that need ROS 2."""
    import rclpy

    from viz_graph import Graph

    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    rclpy.init()
    graph = Graph()
    yield graph
    graph.close()
    rclpy.try_shutdown()
