"""The vocabulary: 52 names, their order, their mirror images."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit


def test_names_are_52_and_unique() -> None:
    assert len(arkit.BLENDSHAPES) == arkit.COUNT == 52
    assert len(set(arkit.BLENDSHAPES)) == 52


def test_index_inverts_the_order() -> None:
    assert [arkit.BLENDSHAPES[arkit.INDEX[name]] for name in arkit.BLENDSHAPES] == list(arkit.BLENDSHAPES)


def test_left_comes_with_right() -> None:
    lefts = {name.removesuffix("Left") for name in arkit.BLENDSHAPES if name.endswith("Left")}
    rights = {name.removesuffix("Right") for name in arkit.BLENDSHAPES if name.endswith("Right")}
    assert lefts == rights
    assert len(lefts) == 20


def test_mirror_is_an_involution_that_swaps_sides() -> None:
    mirror = np.array(arkit.MIRROR)
    assert np.array_equal(mirror[mirror], np.arange(52))
    weights = np.zeros(52)
    weights[arkit.INDEX["mouthSmileLeft"]] = 0.7
    weights[arkit.INDEX["jawOpen"]] = 0.2
    swapped = weights[mirror]
    assert swapped[arkit.INDEX["mouthSmileRight"]] == 0.7
    assert swapped[arkit.INDEX["mouthSmileLeft"]] == 0.0
    assert swapped[arkit.INDEX["jawOpen"]] == 0.2


def test_mirrored_refuses_unknown_names() -> None:
    with pytest.raises(KeyError, match="eyeRollLeft"):
        arkit.mirrored("eyeRollLeft")


def test_upper_face_holds_eyes_and_brows_only() -> None:
    names = {arkit.BLENDSHAPES[i] for i in arkit.UPPER_FACE}
    assert len(names) == 19
    assert "browInnerUp" in names
    assert "cheekSquintLeft" not in names
