"""What changed of a hub's connection and rejects, for the log: each thing said once, or now and then."""

from __future__ import annotations

import time
from typing import Any

from imu_driver.hub import Hub

LOG_PERIOD_S = 10.0
"""The same kind of reject is logged at most this often."""


class HubNews:
    """Of one hub.

    Args:
        hub: what it says before it was tried is no news.
        logger: of the node.
    """

    def __init__(self, hub: Hub, logger: Any) -> None:
        self._hub = hub
        self._logger = logger
        self._said = hub.problem
        self._rejects_said: dict[str, tuple[float, int]] = {}

    def log(self) -> None:
        """Log what is new."""
        self._log_connection()
        self._log_rejects()

    def _log_connection(self) -> None:
        trouble = self._hub.problem or "; ".join(self._hub.notices)
        say = trouble or f"connected: {self._hub.description}"
        if say != self._said:
            self._said = say
            # One call site for each severity: rclpy refuses another severity from the same line.
            if trouble:
                self._logger.warning(say)
            else:
                self._logger.info(say)

    def _log_rejects(self) -> None:
        now, figures = time.monotonic(), self._hub.figures()
        for reason, count in figures.rejected.items():
            said_s, said = self._rejects_said.get(reason, (float("-inf"), 0))
            if count > said and now - said_s >= LOG_PERIOD_S:
                self._rejects_said[reason] = (now, count)
                new = count - said
                frames = "frame" if new == 1 else "frames"
                self._logger.warning(f"{new} {frames} rejected as {reason}, newest: {figures.last_reject}")
