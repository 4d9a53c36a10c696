"""Which topic each sensor's `sensor_msgs/Imu` come on, from the parameter `topics`. No ROS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

SENSOR: Final = "{sensor}"
_NAME: Final = re.compile(r"(/|~/)?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


def sensor_topics(entries: Sequence[str], sensors: Sequence[str]) -> dict[str, str]:
    """Topic by sensor, in the order of `sensors`.

    Args:
        entries: `sensor=topic` for one sensor, or one topic with `{sensor}` in it for all others.
        sensors: names of the layout's sensors.

    Raises:
        ValueError: an entry is neither, names no sensor, or two give the same.
    """
    own: dict[str, str] = {}
    pattern = ""
    for entry in (entry.strip() for entry in entries):
        name, equals, topic = (part.strip() for part in entry.partition("="))
        if not entry:
            continue
        if not equals:
            if SENSOR not in entry:
                raise ValueError(f"expected SENSOR=TOPIC, or a topic with {SENSOR} in it, found {entry!r}; correct it")
            if pattern:
                raise ValueError(f"expected one topic with {SENSOR} in it, found {pattern!r} and {entry!r}; remove one")
            pattern = entry
        elif name not in sensors:
            raise ValueError(f"expected a sensor out of {', '.join(sensors)} before '=', found {name!r}; correct it")
        elif name in own:
            raise ValueError(f"expected one topic for {name}, found {own[name]!r} and {topic!r}; remove one")
        else:
            own[name] = topic
    found = {name: own.get(name) or pattern.replace(SENSOR, name) for name in sensors if name in own or pattern}
    if not found:
        raise ValueError(f"expected a topic with {SENSOR} in it, or SENSOR=TOPIC, found neither; give one")
    for name, topic in found.items():
        if not _NAME.fullmatch(topic):
            raise ValueError(f"expected the name of a topic for {name}, found {topic!r}; correct it")
    twice = sorted(topic for topic in set(found.values()) if list(found.values()).count(topic) > 1)
    if twice:
        raise ValueError(f"expected a topic of its own for each sensor, found {', '.join(twice)} more than once")
    return found
