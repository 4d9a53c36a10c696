"""Identifiers, appearance and loss, without ROS."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_hri.presence import Change, Presence, checked_person, new_face_id


def numbered():
    count = iter(range(1000))
    return lambda: f"f{next(count)}"


def test_a_face_appears_keeps_its_name_and_has_another_after_a_loss() -> None:
    presence = Presence(1.0, numbered())
    assert presence.look(0.0) == Change()
    assert presence.follows(1.0) == Change(found="f0")
    assert presence.follows(1.5) == Change()
    assert presence.look(2.4) == Change()
    assert presence.look(2.5) == Change(lost="f0")
    assert presence.face == ""
    assert presence.look(9.0) == Change()
    assert presence.follows(9.0) == Change(found="f1")
    assert presence.known


def test_leaving_loses_the_face_once() -> None:
    presence = Presence(1.0, numbered())
    assert presence.leave() == Change()
    presence.follows(0.0)
    assert presence.leave() == Change(lost="f0")
    assert presence.leave() == Change()


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 3.0)), max_size=60))
def test_no_name_is_used_twice_and_loss_follows_appearance(events: list[tuple[bool, float]]) -> None:
    presence, now_s = Presence(1.0, numbered()), 0.0
    changes = []
    for follows, later_s in events:
        now_s += later_s
        changes += [presence.look(now_s)] + ([presence.follows(now_s)] if follows else [])
    found = [change.found for change in changes if change.found]
    lost = [change.lost for change in changes if change.lost]
    assert len(set(found)) == len(found)
    assert lost == found[: len(lost)]
    assert len(found) - len(lost) == (1 if presence.face else 0)


def test_names_of_faces_are_short_and_begin_with_a_letter() -> None:
    names = {new_face_id() for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"f[0-9a-f]{6}", name) for name in names)


@pytest.mark.parametrize(
    ("given", "namespace", "person"),
    [("", "/", "wearer"), ("", "//", "wearer"), ("", "/alice", "alice"), ("", "/lab/alice/", "lab_alice"),
     ("p_7", "/alice", "p_7")],
)  # fmt: skip
def test_a_person_is_called_by_their_namespace(given: str, namespace: str, person: str) -> None:
    assert checked_person(given, namespace) == person


@pytest.mark.parametrize("given", ["7up", "a__b", "Jo Ann", "jörg", "_a", "a" * 64, "a/b"])
def test_names_that_ros_does_not_take_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match="expected a person's identifier"):
        checked_person(given, "/")
