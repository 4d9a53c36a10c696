"""A hub of simulated trackers on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from face_model.imu_sample import ImuSample
from face_model.layout import SensorLayout
from imu_driver.datagram_envelopes import Envelope, packed
from imu_driver.hub import ConnectionState
from imu_driver.hubs.slimevr.session import SlimeVrHub
from slimevr_trackers import (
    LAYOUT,
    Motion,
    SimulatedTracker,
    Trackers,
    lying,
)

if TYPE_CHECKING:
    from conftest import VirtualClock, VirtualLine


@dataclass
class Bench:
    hub: SlimeVrHub
    clock: VirtualClock
    line: VirtualLine
    trackers: list[SimulatedTracker]

    def run(self, seconds: float) -> list[ImuSample]:
        until_s, samples = self.clock() + seconds, []
        while self.clock() < until_s:
            samples += self.hub.step()
        return samples

    def run_to_connected(self) -> None:
        until_s = self.clock() + 10.0
        while self.hub.state is not ConnectionState.CONNECTED:
            assert self.clock() < until_s, self.hub.problem
            self.hub.step()

    def datagram(self, tracker: int, data: bytes) -> None:
        self.line.deliver(packed(Envelope(self.trackers[tracker].peer, data)))

    def from_elsewhere(self, host: str, data: bytes) -> None:
        self.line.deliver(packed(Envelope((host, 6969), data)))


@pytest.fixture(scope="module")
def make_bench(make_line: Callable[..., tuple[VirtualClock, VirtualLine]]) -> Callable[..., Bench]:
    def make(motion: Motion = lying, layout: SensorLayout = LAYOUT, count: int = 6) -> Bench:
        trackers: list[SimulatedTracker] = []
        clock, line = make_line(Trackers(trackers))
        trackers += [SimulatedTracker(i, clock, motion) for i in range(count)]
        return Bench(SlimeVrHub(line, layout, 100, clock=clock, wait=clock.advance), clock, line, trackers)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
