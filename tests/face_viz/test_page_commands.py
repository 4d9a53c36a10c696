import json
import math
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_viz.page_commands import FORMATS, MOST_FOLDER, MOST_NAME, PERIOD_S, TAKE_COMMANDS, Command, parse_command

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.sampled_from(sorted(PERIOD_S)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("sensor", "wearer", "take", "notes", "signals", "position", "rate", "folder", "format", "whose")
KEYS = st.sampled_from(["command", *FIELDS, "other"])


@given(st.text() | st.dictionaries(KEYS, VALUES).map(json.dumps))
def test_whatever_comes_is_a_bounded_command_or_none(text: str) -> None:
    command = parse_command(text)
    if command is not None:
        assert command.name in PERIOD_S
        assert 0 <= command.sensor <= 255
        assert len(command.wearer) <= MOST_NAME
        assert (command.wearer + command.take + command.notes).isprintable()
        assert math.isfinite(command.position)
        assert math.isfinite(command.rate)
        assert command.format in ("", *FORMATS)
        assert len(command.folder) <= MOST_FOLDER
        assert (PurePosixPath("/takes") / command.folder).parent in (PurePosixPath("/takes"), PurePosixPath("/"))
        assert not command.whose.startswith("-"), "it is no option of a program"


def test_spaces_are_tidied_and_letters_of_any_language_kept() -> None:
    text = json.dumps({"command": "record", "take": "  erstes\tL\u00e4cheln ", "wearer": "Zo\u00eb"})
    assert parse_command(text) == Command("record", take="erstes L\u00e4cheln", wearer="Zo\u00eb")


@pytest.mark.parametrize(
    "folder", [".", "..", "a/b", "/etc", "../x", "a\u0000", "a\nb", "x" * 256, 3, None, ["x"], "\ud800"]
)
def test_a_folder_is_one_part_of_a_path(folder: object) -> None:
    for name in TAKE_COMMANDS:
        assert parse_command(json.dumps({"command": name, "folder": folder})) is None


@pytest.mark.parametrize("folder", ["2026-01-02_12-00-00_L\u00e4cheln", "two  spaces", "..hidden", "-x", "last"])
def test_a_folder_is_left_as_it_is(folder: str) -> None:
    command = parse_command(json.dumps({"command": "check_take", "folder": folder}))
    assert command == Command("check_take", folder=folder)


@pytest.mark.parametrize(
    "fields",
    [
        '"position": NaN', '"position": Infinity', f'"position": 1{"0" * 400}', '"position": true', '"rate": "2"',
        '"format": "sh"', '"format": ["csv"]', '"whose": "-x"', '"whose": "a b"', '"whose": 1',
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_no_command(fields: str) -> None:
    assert parse_command('{"command": "seek", ' + fields + "}") is None


def test_numbers_of_a_replay_are_taken_as_they_are() -> None:
    """Whether they can be is the player's to say."""
    assert parse_command('{"command": "seek", "position": -3}') == Command("seek", position=-3.0)
    assert parse_command('{"command": "set_rate", "rate": 50.5}') == Command("set_rate", rate=50.5)
