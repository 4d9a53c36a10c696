"""The thread of a hub: steps it and hands its samples on at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from face_model.imu_sample import ImuSample
from imu_driver.hub import Hub
from imu_driver.sensor_figures import SensorTally

JOIN_TIMEOUT_S = 2.0
"""The thread looks up every 20 ms; a write to a jammed serial port takes up to 0.5 s more."""


class HubThread:
    """Steps a hub in its own thread until it is stopped; an object is used once.

    Args:
        hub: stepped and closed by the thread.
        on_sample: called in the thread for every sample; what it takes is time that the next sample waits.
        after_step: called in the thread after every step, which nothing follows before the next one.
        tally: told of every sample.

    Attributes:
        newest: sample, None before the first.
        tally: as given.
    """

    def __init__(
        self,
        hub: Hub,
        on_sample: Callable[[ImuSample], None],
        after_step: Callable[[], None] = lambda: None,
        tally: SensorTally | None = None,
    ) -> None:
        self.tally = tally
        self.newest: ImuSample | None = None
        self._hub = hub
        self._on_sample = on_sample
        self._after_step = after_step
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

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for sample in self._hub.step():
                    self.newest = sample
                    if self.tally is not None:
                        self.tally.add(sample)
                    self._on_sample(sample)
                self._after_step()
        finally:
            self._hub.close()
