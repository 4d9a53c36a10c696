"""Takes whose messages have other fields than this version's are told of, and keep no others from being listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from face_recording.growing_file import MARK_FILE
from face_recording.takes.checking import check
from face_recording.takes.listing import goes_on, summarise

writer = pytest.importorskip("mcap.writer", reason="recordings need mcap: pip install mcap")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A take of faces that have one field, which ours have not."""
    folder = tmp_path / "other"
    folder.mkdir()
    with (folder / "other_0.mcap").open("wb") as file:
        made = writer.Writer(file)
        made.start("ros2", "test")
        schema = made.register_schema("imusic/msg/FaceBlendshapes", "ros2msg", b"uint8 x")
        channel = made.register_channel("/face/blendshapes", "cdr", schema)
        for i in range(10):
            made.add_message(channel, 10**18 + i * 10**7, b"\0\1\0\0\5", 0)
        made.finish()
    return folder


def test_it_is_listed_with_what_is_wrong(other: Path) -> None:
    assert summarise(other).state not in {"", "whole"}


def test_the_check_says_so(other: Path) -> None:
    verdict = check(other)
    assert not verdict.usable
    assert any("other fields" in finding.text for finding in verdict.findings)


def test_a_mark_that_is_no_file_makes_nobody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / MARK_FILE)
    assert goes_on(tmp_path) in {True, False}
