"""`imusic bench scale --wearers`: hubs and drivers of several wearers, and what their inference takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_evaluation.listener import Faces, listen_to_all
from imusic_bench.cost import Look, cost_rows
from imusic_bench.latency import lost, rate_hz
from imusic_bench.processes import look_at
from imusic_bench.running import SETTLE_S, new_namespace, started
from imusic_cli.errors import CommandError
from imusic_ros.graph import Process, load_graph

INFERENCE = "face_inference"
SHARED, SEPARATE = "one for all", "one each"


@dataclass(frozen=True)
class GraphRow:
    """What so many people took, each with a simulated hub and a driver of their own.

    Attributes:
        inference: one process for all people, or one each.
        people: how many.
        rate_hz: samples per second asked of each hub.
        reached_hz: faces per second, by the samples' own stamps, of the person who got the fewest.
        p50_ms, p99_ms: age of the newest sample when its weights were published, all people.
        lost: samples whose weights did not arrive.
        inference_percent: processor time of inference, % of one core.
        per_face_percent: the same for one face at the full rate, by the faces that came.
        faces_per_core: how many faces of such a share fill one core, inference alone; None where nothing was spent.
        drivers_percent: processor time of all drivers.
        hubs_percent: of all simulated hubs, which stand for hardware.
    """

    inference: str
    people: int
    rate_hz: int
    reached_hz: float
    p50_ms: float
    p99_ms: float
    lost: int
    inference_percent: float
    per_face_percent: float
    faces_per_core: float | None
    drivers_percent: float
    hubs_percent: float


def measure_wearers(people: int, seconds: float, asked_hz: int, model: str = "", shared: bool = True) -> GraphRow:
    """Start the real processes for so many people on simulated hubs, listen, and look at the processes.

    Args:
        people: how many, at least 1.
        seconds: length of the measurement, at least 3.
        asked_hz: samples per second.
        model: its name.
        shared: one inference process for all; else one each.

    Raises:
        CommandError: a process ended, or nothing came of somebody.
    """
    looks: list[Look] = []
    with _running(people, asked_hz, model, shared) as (namespaces, pids, check):

        def look_at_all() -> None:
            looks.append((time.monotonic(), {name: look_at(pid) for name, pid in pids.items()}))

        heard = listen_to_all(
            namespaces, seconds, SETTLE_S, frames_too=False, every_second=look_at_all, while_waiting=check
        )
    return graph_row(heard, looks, asked_hz, shared)


def graph_row(heard: Sequence[Faces], looks: Sequence[Look], asked_hz: int, shared: bool) -> GraphRow:
    """Numbers of what was heard of each and seen of all processes, whose names end in those of the graph.

    Raises:
        CommandError: no faces of somebody, or too few looks.
    """
    if any(len(faces.sequence) < 2 for faces in heard):
        raise CommandError(f"expected faces of everybody, found {[len(faces.sequence) for faces in heard]}")
    taken = {row.process: row.cpu_percent for row in cost_rows(looks)}

    def share(process: str) -> float:
        return sum(percent for name, percent in taken.items() if name.endswith(process))

    p50_ms, p99_ms = (
        float(age) for age in np.percentile(1000.0 * np.concatenate([faces.age_s for faces in heard]), (50, 99))
    )
    reached_hz = [rate_hz(faces.stamp_s) for faces in heard]
    # By the faces that came: those that were lost on a machine that is too busy cost nothing.
    per_face = share(INFERENCE) * asked_hz / sum(reached_hz)
    return GraphRow(
        inference=SHARED if shared else SEPARATE,
        people=len(heard),
        rate_hz=asked_hz,
        reached_hz=min(reached_hz),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        lost=sum(lost(faces.sequence) for faces in heard),
        inference_percent=share(INFERENCE),
        per_face_percent=per_face,
        faces_per_core=100.0 / per_face if per_face > 0.0 else None,
        drivers_percent=share("imu_driver"),
        hubs_percent=share("imu_sim"),
    )


def groups_of(
    base: str, people: int, started_with: Callable[[int], Sequence[Process]], shared: bool
) -> dict[str, list[Process]]:
    """Processes by namespace: `base` and a folder of it for each person.

    `started_with` gives the processes of one person's graph.
    """
    folders = [f"{base}/wearer_{i}" for i in range(people)]
    groups = {folder: list(started_with(i)) for i, folder in enumerate(folders)}
    if shared:
        everybody = [folder.rpartition("/")[2] for folder in folders]
        inference = next(process for process in groups[folders[0]] if process.name == INFERENCE)
        groups = {folder: [p for p in group if p.name != INFERENCE] for folder, group in groups.items()}
        groups[base] = [replace(inference, overrides={**inference.overrides, "wearers": everybody})]
    return groups


@contextmanager
def _running(
    people: int, asked_hz: int, model: str, shared: bool
) -> Iterator[tuple[list[str], Mapping[str, int], Callable[[], None]]]:
    """Namespaces of the wearers, process ids by namespace and name, and what raises when a process has ended."""
    graph = load_graph("headless")
    with tempfile.TemporaryDirectory(prefix="imusic_") as folder:

        def started_with(wearer: int) -> Sequence[Process]:
            # A subject of its own for each, so that faces do not move alike.
            line = str(Path(folder) / f"hub_{wearer}")
            return graph.started_with({"port": line, "rate": asked_hz, "model": model, "subject": wearer})

        base = new_namespace()
        with started(groups_of(base, people, started_with, shared)) as (pids, check):
            flat = {f"{namespace}/{name}": pid for namespace, group in pids.items() for name, pid in group.items()}
            yield [f"/{namespace}" for namespace in pids if namespace != base], flat, check
