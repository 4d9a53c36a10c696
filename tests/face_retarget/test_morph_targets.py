"""Names of morph targets in people's files, and what drives them."""

from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit
from face_retarget.morph_targets import drivers, influences


def test_the_spellings_of_tools_are_one_shape_each() -> None:
    names = ["eyeBlinkLeft", "EyeBlink_L", "A14_Eye_Blink_Left", "Head|eyeBlink_L", "browInnerUp_R", "Fcl_ALL_Joy"]
    found = drivers(names, "face")
    assert [driver.shape for driver in found] == [*4 * ["eyeBlinkLeft"], "browInnerUp", ""]
    assert [driver.half for driver in found] == [False, False, False, False, True, False]


def test_influences_are_in_the_files_order() -> None:
    found = drivers(["smile?", "jawOpen"], "face") + drivers(["EyeBlink_L"], "lashes")
    row = np.zeros(arkit.COUNT)
    row[arkit.INDEX["jawOpen"]], row[arkit.INDEX["eyeBlinkLeft"]] = 0.4, 7.0
    assert influences(found, row) == {"face": [0.0, pytest.approx(0.4)], "lashes": [1.0]}
    with pytest.raises(ValueError, match="expected 52"):
        influences(found, [0.0])
