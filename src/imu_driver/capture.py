"""The thread between hub and node: waits for bytes, hands frames on at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from face_model.layout import SensorLayout
from imu_driver import orientation
from imu_driver.connection import TimedSample
from imu_driver.protocol import Fields, Hello
from imu_driver.samples import ImuSamples, SampleConverter
from imu_driver.session import HubSession

JOIN_TIMEOUT_S = 2.0
"""The thread looks up every 20 ms; a write to a jammed serial port takes up to 0.5 s more."""


@dataclass(frozen=True)
class CapturedFrame:
    """All sensors at one time.

    Attributes:
        samples: in layout order.
        sequence: the hub's sample number.
        hub_time_us: on the hub's clock.
        host_time_s: sample time on the host's monotonic clock.
        arrival_s: arrival, same clock.
    """

    samples: ImuSamples
    sequence: int
    hub_time_us: int
    host_time_s: float
    arrival_s: float


class Capture:
    """Runs a session in its own thread until it is stopped; an object is used once.

    Args:
        session: stepped and closed by the thread.
        layout: order of the frames.
        on_hub: called in the thread when a hub, or the same hub with other units, is attached, before its first frame.
        on_frame: called in the thread for every frame; what it takes is time that the next frame waits.

    Attributes:
        last: newest frame, None before the first.
        orientation_problem: why no orientation can be given; empty if one is.
    """

    def __init__(
        self,
        session: HubSession,
        layout: SensorLayout,
        on_hub: Callable[[Hello], None],
        on_frame: Callable[[CapturedFrame], None],
    ) -> None:
        self.last: CapturedFrame | None = None
        self.orientation_problem = ""
        self._session = session
        self._layout = layout
        self._on_hub = on_hub
        self._on_frame = on_frame
        self._converter: SampleConverter | None = None
        self._generation = 0
        self._rate_hz = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs; an error in the program may have ended it."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the hub, close the connection, end the thread.

        Raises:
            TimeoutError: the thread does not end.
        """
        self._stop.set()
        if self._thread.ident is None:
            return
        self._thread.join(JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            raise TimeoutError(f"expected the hub's thread to end within {JOIN_TIMEOUT_S} s, found it running")

    def wait(self, seconds: float) -> None:
        """Sleep, but not past `stop`; the session's `wait`."""
        self._stop.wait(seconds)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for timed in self._session.step():
                    self._hand_on(timed)
        finally:
            self._session.close()

    def _hand_on(self, timed: TimedSample) -> None:
        session = self._session
        if self._converter is None or (session.generation, session.rate_hz) != (self._generation, self._rate_hz):
            self._meet_hub()
        assert self._converter is not None
        sample = timed.sample
        converted = self._converter.convert(sample, timed.lost)
        frame = CapturedFrame(converted, sample.sequence, sample.hub_time_us, timed.host_time_s, timed.arrival_s)
        self.last = frame
        self._on_frame(frame)

    def _meet_hub(self) -> None:
        session = self._session
        hello = session.hello
        assert hello is not None
        self._generation, self._rate_hz = session.generation, session.rate_hz
        fusion = None
        self.orientation_problem = ""
        if not hello.fields & Fields.QUATERNION:
            fusion = orientation.make_filter(len(self._layout.sensors), session.rate_hz)
            if fusion is None:
                self.orientation_problem = orientation.MISSING_PACKAGE
        self._converter = SampleConverter(hello, self._layout, session.rate_hz, fusion)
        self._on_hub(hello)
