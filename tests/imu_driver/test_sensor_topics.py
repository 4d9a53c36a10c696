"""Topics by sensor."""

from __future__ import annotations

import pytest

from imu_driver.sensor_topics import sensor_topics

NAMES = ("skull", "mentalis")


def test_one_pattern_for_all_and_names_of_their_own() -> None:
    assert sensor_topics(["{sensor}/imu/data"], NAMES) == {"skull": "skull/imu/data", "mentalis": "mentalis/imu/data"}
    found = sensor_topics(["/imus/{sensor}", " skull = /head/imu/data_raw ", ""], NAMES)
    assert found == {"skull": "/head/imu/data_raw", "mentalis": "/imus/mentalis"}
    assert sensor_topics(["mentalis=chin"], NAMES) == {"mentalis": "chin"}


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "found neither"),
        (["imu/data"], "expected SENSOR=TOPIC, or a topic with"),
        (["a/{sensor}", "b/{sensor}"], "remove one"),
        (["chin=/imu"], "expected a sensor out of skull, mentalis"),
        (["skull=/a", "skull=/b"], "expected one topic for skull"),
        (["skull=/a", "mentalis=/a"], "more than once"),
        (["skull=9a"], "the name of a topic"),
        (["skull=/a b"], "the name of a topic"),
        (["skull="], "found neither|the name of a topic"),
    ],
)
def test_what_is_wrong_is_told(entries: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sensor_topics(entries, NAMES)
