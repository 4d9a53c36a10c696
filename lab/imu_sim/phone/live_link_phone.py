"""A phone with Live Link Face that watches the simulated face: packets over UDP, late and biased as a camera is."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from face_model import arkit
from face_model.livelink_packet import VALUES, Packet, encode, head_angles
from imu_sim.errors import SimulatorConfigError
from imu_sim.motion import Floats
from imu_sim.phone.camera import Camera, CameraModel

DEVICE = "51A11A7E-0000-4000-8000-000000000001"
SUBJECT = "phone"

Look = Callable[[float], tuple[Floats, Floats]]
"""What there is to see at a time on the host's clock, s: weights (52,) and the head's quaternion to earth (4,)."""

_OLDEST_S = 1.0


@dataclass(frozen=True)
class PhoneClock:
    """The phone's wall clock: since midnight, s, as a function of the host's monotonic clock."""

    zero_s: float
    offset_s: float
    skew_ppm: float

    def at(self, host_s: float) -> float:
        """Time on the phone, s."""
        return self.offset_s + (host_s - self.zero_s) * (1.0 + 1e-6 * self.skew_ppm)


class LiveLinkPhone:
    """Sends a packet for each picture; never blocks.

    Args:
        to: host and port that listens.
        look: what the camera is in front of.
        clock: of the phone.
        now_s: of the host's monotonic clock, at the start.
        model: how its tracker errs.
        seed: of its errors.
        delay_s: mean time of a packet on its way, exponentially distributed.

    Attributes:
        sent: packets handed to the network.

    Raises:
        SimulatorConfigError: the address cannot be resolved.
    """

    def __init__(
        self,
        to: tuple[str, int],
        look: Look,
        clock: PhoneClock,
        now_s: float,
        model: CameraModel,
        seed: int,
        delay_s: float = 0.004,
    ) -> None:
        self.sent = 0
        self._look, self._clock, self._model = look, clock, model
        self._camera = Camera(model, seed)
        self._rng = np.random.default_rng([seed, 0xF0])
        self._delay_s = delay_s
        self._next_s = now_s + 1.0 / model.rate_hz
        self._waiting: deque[tuple[float, bytes]] = deque()
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(*to, type=socket.SOCK_DGRAM)[0]
        except (OSError, OverflowError) as error:
            raise SimulatorConfigError(f"phone: expected HOST:PORT, found {to[0]}:{to[1]} ({error})") from error
        self._to = address
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)

    def tick(self, now_s: float) -> None:
        """Take the pictures that are due, send the packets that are."""
        if now_s - self._next_s > _OLDEST_S:
            self._next_s = now_s  # the process stood: a camera does not catch up
        while self._next_s <= now_s:
            self._picture(self._next_s)
            self._next_s += 1.0 / self._model.rate_hz
        while self._waiting and self._waiting[0][0] <= now_s:
            self._send(self._waiting.popleft()[1])

    def wait_s(self, now_s: float) -> float:
        """Until there is something to do, s."""
        due_s = min(self._next_s, self._waiting[0][0]) if self._waiting else self._next_s
        return max(0.0, due_s - now_s)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _picture(self, stamped_s: float) -> None:
        weights, head = self._look(stamped_s - self._camera.lag_s())
        said = self._camera.picture(weights)
        if self._camera.dropped():
            return
        values = np.zeros(VALUES, dtype=np.float32)
        values[: arkit.COUNT] = said
        values[arkit.COUNT : arkit.COUNT + 3] = head_angles(head)
        rate = round(self._model.rate_hz)
        frame, part = divmod(self._clock.at(stamped_s) * rate, 1.0)
        packet = Packet(DEVICE, SUBJECT, int(frame) % (86400 * rate), float(np.float32(part)), (rate, 1), values)
        late_s = float(self._rng.exponential(self._delay_s)) if self._delay_s > 0.0 else 0.0
        newest_s = self._waiting[-1][0] if self._waiting else 0.0
        self._waiting.append((max(stamped_s + late_s, newest_s), encode(packet)))

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendto(data, self._to)
        except OSError:
            return  # nobody listens yet: a phone keeps sending
        self.sent += 1
