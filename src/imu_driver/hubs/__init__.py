"""The kinds of hub. Another kind is one folder here and one line in `HUBS`; docs/protocol.md has the recipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from face_model.layout import SensorLayout
from imu_driver.hub import Hub
from imu_driver.hubs.imu_topics.session import TopicsHub
from imu_driver.hubs.imusic_v1.introduction import Introduction
from imu_driver.hubs.imusic_v1.sealed_line import SealedLine
from imu_driver.hubs.imusic_v1.session import HubSession
from imu_driver.hubs.slimevr.session import SlimeVrHub
from imu_driver.recorded_bytes import RecordedBytesTransport
from imu_driver.serial_finder import Introduces
from imu_driver.transport import CheckedTransport, Transport


class MakeHub(Protocol):
    """How a kind of hub is made: its class, or a function."""

    def __call__(
        self,
        transport: Transport,
        layout: SensorLayout,
        rate_hz: int,
        *,
        listen_only: bool,
        by_arrival: bool,
        name: str,
        clock: Callable[[], float],
        wait: Callable[[float], object],
    ) -> Hub:
        """Make a hub, as `make_hub` says; nothing is opened yet."""
        ...


HUBS: Final[dict[str, MakeHub]] = {
    "imusic_v1": HubSession,
    "imu_topics": TopicsHub,
    "slimevr": SlimeVrHub,
}

MANY_SENDERS: Final = {"slimevr": "0.0.0.0:6969"}
"""Kinds whose units are senders of their own on a UDP port (`udp_senders`), and where they are heard if nobody says."""


SEALED_LINES: Final[dict[str, Callable[[Transport, bytes, Callable[[], float]], CheckedTransport]]] = {
    "imusic_v1": SealedLine,
}
"""Kinds of hub that can be given a key, and what lets only those through who have it."""


def sealed(
    kind: str, transport: Transport, key: bytes, clock: Callable[[], float] = time.monotonic
) -> CheckedTransport:
    """A transport whose hub has to have the same key; what is read of it is checked already, and may be recorded.

    Args:
        kind: one of `SEALED_LINES`.
        transport: to the hub.
        key: 32 bytes, see `hub_key`.
        clock: host monotonic time, s.

    Raises:
        ValueError: hubs of this kind have no keys, or the key has another length.
    """
    make = SEALED_LINES.get(kind)
    if make is None:
        raise ValueError(f"expected a kind of hub that has keys ({', '.join(SEALED_LINES)}), found {kind!r}")
    return make(transport, key, clock)


INTRODUCTIONS: Final[dict[str, Callable[[], Introduces]]] = {
    "imusic_v1": Introduction,
}
"""Kinds of hub that can be found among the USB ports."""


def make_hub(
    kind: str,
    transport: Transport,
    layout: SensorLayout,
    rate_hz: int,
    listen_only: bool = False,
    *,
    by_arrival: bool = False,
    name: str = "",
    clock: Callable[[], float] | None = None,
    wait: Callable[[float], object] = time.sleep,
) -> Hub:
    """A hub that opens its transport in its first `step`.

    Args:
        kind: one of `HUBS`.
        transport: to the hub; opened and closed by the hub. A `RecordedBytesTransport` is only listened to.
        layout: sensors in the order that samples shall have.
        rate_hz: samples per second to ask for; the hub's own maximum is used where that is lower.
        listen_only: send nothing, and take the samples of a hub that streams by itself once it has said who it is.
        by_arrival: samples are stamped with their arrival: the hub's clock may be wrong, and none is dropped for it.
        name: of the only hub that is used, as it calls itself; empty: any.
        clock: monotonic time of arrivals, s. None: the host's, or that of the recording.
        wait: sleeps for some seconds, at most 0.02, used only while there is nothing to read from.

    Raises:
        ValueError: no such kind.
    """
    make = HUBS.get(kind)
    if make is None:
        raise ValueError(f"expected a kind of hub out of {', '.join(HUBS)}, found {kind!r}")
    recorded = isinstance(transport, RecordedBytesTransport)
    if clock is None:
        clock = transport.clock if isinstance(transport, RecordedBytesTransport) else time.monotonic
    listen_only = listen_only or recorded
    return make(
        transport, layout, rate_hz, listen_only=listen_only, by_arrival=by_arrival, name=name, clock=clock, wait=wait
    )
