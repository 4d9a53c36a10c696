"""What the driver logs of a hub."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from imu_driver import hub_news
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


def test_the_same_kind_of_reject_is_logged_once_in_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A noisy line rejects hundreds of frames a second: the log must stay readable."""
    now = [100.0]
    rejected = {"bad_crc": 0, "bad_length": 0}
    hub = SimpleNamespace(problem="noise", notices=[], description="a hub")
    hub.figures = lambda: SimpleNamespace(rejected=dict(rejected), last_reject="expected CRC-32 1")
    monkeypatch.setattr(hub_news, "time", SimpleNamespace(monotonic=lambda: now[0]))
    log = Log()
    news = HubNews(hub, log)
    for second in range(35):
        now[0] += 1.0
        rejected["bad_crc"] += 100
        if second == 7:
            rejected["bad_length"] += 1  # another kind waits for nobody
        news.log()
    lines = [line.removeprefix("warning: ") for line in log.said]
    told = [line for line in lines if "bad_crc" in line]
    assert len(told) == 4  # at once, then after 10, 20 and 30 s
    assert sum(int(line.split()[0]) for line in told) == 3100
    assert [line.split(",")[0] for line in lines if "bad_length" in line] == ["1 frame rejected as bad_length"]
