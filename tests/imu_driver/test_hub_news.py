"""What the driver logs of a hub."""

from __future__ import annotations

from types import SimpleNamespace

from imu_driver.hub import HubFigures
from imu_driver.hub_news import HubNews


class Log:
    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, message: str) -> None:
        self.said.append(f"info: {message}")

    def warning(self, message: str) -> None:
        self.said.append(f"warning: {message}")


def test_each_thing_is_said_once() -> None:
    figures = HubFigures()
    hub = SimpleNamespace(problem="not tried yet", notices=[], description="a hub", figures=lambda: figures)
    log = Log()
    news = HubNews(hub, log)
    news.log()
    assert log.said == []
    hub.problem = ""
    news.log()
    news.log()
    hub.notices = ["one unit is missing"]
    news.log()
    assert log.said == ["info: connected: a hub", "warning: one unit is missing"]
    figures = HubFigures(rejected={"checksum": 3}, last_reject="a frame of 9 bytes")
    news.log()
    figures = HubFigures(rejected={"checksum": 4}, last_reject="another")
    news.log()
    assert log.said[2:] == ["warning: 3 frames rejected as checksum, newest: a frame of 9 bytes"]
