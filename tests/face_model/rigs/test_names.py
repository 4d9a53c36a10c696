from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit
from face_model.rigs.names import Match, match, match_all

NAMES = st.sampled_from(arkit.BLENDSHAPES)


def words(name: str) -> list[str]:
    """eyeBlinkLeft -> eye, Blink, Left."""
    starts = [0, *(i for i, letter in enumerate(name) if letter.isupper()), len(name)]
    return [name[a:b] for a, b in pairwise(starts)]


@given(
    NAMES,
    st.sampled_from(["", "blendShape.", "blendShape1.", "Head|", "A01_", "Face:bs_", "head_lod0_mesh__", "CC_Base_"]),
    st.sampled_from(["", "_", "-", " "]),
    st.sampled_from([str, str.lower, str.upper, str.title]),
    st.sampled_from(["", ".001", "_mesh", "_Shape"]),
)
def test_every_shape_is_known_however_a_tool_spells_it(name, prefix, joint, case, ending) -> None:  # type: ignore[no-untyped-def]
    spelt = prefix + case(joint.join(words(name))) + ending
    assert match(spelt) == Match(name), spelt


@given(NAMES.filter(lambda name: name.endswith(("Left", "Right"))), st.sampled_from(["{}_{}", "{}.{}", "{}{}"]))
def test_sides_may_be_one_letter(name: str, form: str) -> None:
    side = "Left" if name.endswith("Left") else "Right"
    stem = name.removesuffix(side)
    assert match(form.format(stem, side[0])) == Match(name)
    assert match(f"{side[0]}_{stem}") == Match(name)


@given(st.text(max_size=40))
def test_any_text_is_a_shape_or_none(text: str) -> None:
    found = match(text)
    assert found is None or found.shape in arkit.BLENDSHAPES


@pytest.mark.parametrize(
    "name", ["", "jaw", "smile", "viseme_aa", "eyesClosed", "mouthOpen", "Key 1", "jawOpenness", "_"]
)
def test_other_names_are_none(name: str) -> None:
    assert match(name) is None


def test_halves_of_a_midline_shape_are_added() -> None:
    found = match_all(["browInnerUp_L", "browInnerUp_R", "jawOpen"])
    assert found.shapes == {"browInnerUp": ("browInnerUp_L", "browInnerUp_R"), "jawOpen": ("jawOpen",)}
    assert "sum of" in found.notes[0]


def test_a_whole_shape_comes_before_its_halves_and_the_first_of_two_before_the_second() -> None:
    found = match_all(["cheekPuff_L", "cheekPuff", "jawOpen", "Jaw_Open", "wink"])
    assert found.shapes == {"cheekPuff": ("cheekPuff",), "jawOpen": ("jawOpen",)}
    assert found.unknown == ("wink",)
    assert len(found.notes) == 2


def test_given_names_come_before_guesses() -> None:
    assert match_all(["grin", "jawOpen"], {"grin": "mouthSmileLeft"}).shapes["mouthSmileLeft"] == ("grin",)
