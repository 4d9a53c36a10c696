"""The thread of a hub: it hands samples on, and closes the hub however it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from face_model.imu_sample import ImuSample
from imu_driver.hub import Hub
from imu_driver.hub_thread import HubThread

if TYPE_CHECKING:
    from conftest import Peer
    from face_model.layout import SensorLayout

from imu_driver.hub import ConnectionState
from imu_driver.hubs import make_hub


@pytest.fixture
def hub(peers: dict[str, Callable[[], Peer]], layout: SensorLayout) -> Hub:
    peer = peers["imusic_v1"]()
    return make_hub("imusic_v1", peer.line, layout, 100, clock=peer.clock, wait=peer.clock.advance)


def test_samples_come_in_order_and_stop_closes_the_hub(hub: Hub) -> None:
    numbers, enough = [], threading.Event()

    def take(sample: ImuSample) -> None:
        numbers.append(sample.sequence)
        if len(numbers) >= 50:
            enough.set()

    thread = HubThread(hub, take)
    assert thread.newest is None
    thread.start()
    assert enough.wait(60.0)
    thread.stop()
    assert not thread.alive
    assert numbers == list(range(len(numbers)))
    assert cast(ImuSample, thread.newest).sequence == numbers[-1]
    assert hub.state is ConnectionState.DISCONNECTED


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_of_the_receiver_ends_the_thread_and_closes_the_hub(hub: Hub) -> None:
    def refuse(sample: ImuSample) -> None:
        raise ZeroDivisionError

    thread = HubThread(hub, refuse)
    thread.start()
    thread._thread.join(60.0)
    assert not thread.alive
    assert hub.state is ConnectionState.DISCONNECTED
    thread.stop()


def test_one_that_never_started_stops(hub: Hub) -> None:
    HubThread(hub, lambda sample: None).stop()
