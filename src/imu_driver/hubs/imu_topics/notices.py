"""What people are told of topics: silent ones, stamps that are off, orientations that are not used."""

from __future__ import annotations

from collections.abc import Sequence

from imu_driver.hubs.imu_topics.topic import Topic
from imu_driver.hubs.imu_topics.topic_clock import Kind


def notices_of(names: Sequence[str], topics: Sequence[Topic], by_arrival: bool) -> list[str]:
    """Each with what to do; `names` are the sensors'."""
    named = list(zip(names, topics, strict=True))
    silent = [name for name, topic in named if not topic.clock.messages]
    off = [f"{name} by {-topic.clock.least_s:+.2f} s" for name, topic in named if topic.clock.kind is Kind.SHIFTED]
    unstamped = [name for name, topic in named if topic.clock.kind is Kind.ARRIVAL and topic.clock.messages > 3]
    refused = [
        f"{name} ({topic.orientation.reason})" for name, topic in named if topic.clock.messages and topic.distrusted
    ]
    found = []
    if silent:
        found.append(
            f"no message yet of: {', '.join(silent)}; are their drivers running, and are these the names of their "
            "topics? See the parameter topics"
        )
    if off and not by_arrival:
        found.append(
            f"stamps are off, and are shifted to when messages come: {', '.join(off)}; set the clock of the "
            "machine they come from (a bag that is played later: nothing to do)"
        )
    if unstamped and not by_arrival:
        found.append(f"no stamps, time of arrival is taken: {', '.join(unstamped)}; set header.stamp in their driver")
    if refused:
        found.append(f"orientation is not used, but fused here: {', '.join(refused)}")
    return found
