"""A face to send."""

from __future__ import annotations

import pytest

from face_streams.face import FacePipeline, StreamFace
from face_streams.mapping import FaceMapping
from made_up_faces import made_up_face


@pytest.fixture
def face() -> StreamFace:
    return FacePipeline(FaceMapping())(made_up_face(jawOpen=0.5, mouthSmileLeft=0.8, eyeBlinkRight=1.0))
