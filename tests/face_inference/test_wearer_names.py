from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.errors import InferenceError
from face_inference.wearer_names import checked_wearers

names = st.from_regex(r"[a-zA-Z]([a-z0-9]|_(?!_)){0,20}", fullmatch=True)


@given(st.lists(names, min_size=1, unique=True))
def test_good_names_come_back_as_they_are(people):
    assert checked_wearers(people, "") == tuple(people)


@pytest.mark.parametrize("none", [[], [""]])
def test_nobody_named_means_the_nodes_own_namespace(none):
    assert checked_wearers(none, "ann") == ()


@given(st.text())
def test_a_name_that_is_accepted_is_a_ros_namespace(name):
    try:
        accepted = checked_wearers([name, "ann_2"], "")
    except InferenceError:
        return
    assert accepted == (name, "ann_2")
    assert name.isascii()
    assert not name[:1].isdigit()
    assert name.replace("_", "").isalnum()


@pytest.mark.parametrize("bad", ["", "2nd", "a b", "a/b", "/a", "a__b", "_a", "ä", "a" * 64, "a\n"])
def test_what_cannot_be_a_namespace_is_refused(bad):
    with pytest.raises(InferenceError, match="namespaces, found"):
        checked_wearers(["bob", bad], "")


def test_nobody_stands_twice():
    with pytest.raises(InferenceError, match="found bob more than once"):
        checked_wearers(["bob", "ann", "bob"], "")


def test_one_profile_for_several_is_refused():
    with pytest.raises(InferenceError, match=r"found 'eve'.*leave wearer empty"):
        checked_wearers(["bob", "ann"], "eve")
