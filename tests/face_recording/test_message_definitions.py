from __future__ import annotations

import pytest

from face_recording.errors import RecordingError
from face_recording.message_definitions import SEPARATOR, definition_of, hash_of

pytestmark = pytest.mark.ros
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")


def test_a_definition_brings_all_that_it_holds_once() -> None:
    text = definition_of("imusic/msg/SensorLayout")
    first, *others = text.split(f"\n{SEPARATOR}\n")
    assert "imusic/SensorMount[] sensors" in first
    named = [part.partition("\n")[0] for part in others]
    assert named[0].startswith("MSG: ")
    assert sorted(named) == sorted(set(named))
    assert {"MSG: imusic/SensorMount", "MSG: std_msgs/Header", "MSG: builtin_interfaces/Time"} <= set(named)
    assert "MSG: geometry_msgs/Quaternion" in named


def test_hashes_are_those_of_the_types() -> None:
    assert hash_of("std_msgs/msg/Header").startswith("RIHS01_")


def test_an_unknown_type_is_told_with_its_package() -> None:
    with pytest.raises(
        RecordingError, match=r"expected the definition of no_msgs/msg/Nothing.*install the package no_msgs"
    ):
        definition_of("no_msgs/msg/Nothing")
