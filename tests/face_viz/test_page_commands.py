import json

from hypothesis import given
from hypothesis import strategies as st

from face_viz.page_commands import MOST_NAME, PERIOD_S, Command, parse_command

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.sampled_from(sorted(PERIOD_S)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["command", "sensor", "wearer", "take", "notes", "signals", "other"])


@given(st.text() | st.dictionaries(KEYS, VALUES).map(json.dumps))
def test_whatever_comes_is_a_bounded_command_or_none(text: str) -> None:
    command = parse_command(text)
    if command is not None:
        assert command.name in PERIOD_S
        assert 0 <= command.sensor <= 255
        assert len(command.wearer) <= MOST_NAME
        assert (command.wearer + command.take + command.notes).isprintable()


def test_spaces_are_tidied_and_letters_of_any_language_kept() -> None:
    text = json.dumps({"command": "record", "take": "  erstes\tL\u00e4cheln ", "wearer": "Zo\u00eb"})
    assert parse_command(text) == Command("record", take="erstes L\u00e4cheln", wearer="Zo\u00eb")
