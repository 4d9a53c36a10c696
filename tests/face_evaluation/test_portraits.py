"""Faces side by side."""

from __future__ import annotations

import numpy as np
import pytest

from face_evaluation.portraits import portraits
from face_evaluation.trials import TRUTH, Example


@pytest.mark.parametrize("face", ["head", "head:301-340"])
def test_faces_of_every_family_are_painted(face: str):
    example = Example("take", face, np.zeros((2, 52), np.float32))
    figure = portraits({TRUTH: example, "a model": example})
    assert figure.png.startswith(b"\x89PNG")
    assert "take" in figure.caption
