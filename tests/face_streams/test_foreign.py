"""What decoders that are not ours read from our bytes: recorded once, with their names and versions.

The bytes are still what is sent, byte for byte, and what was read from them is the face. Docs/streams.md says how they
were recorded; the decoders are no part of this package.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from face_model import arkit
from face_model.livelink_packet import eye_angles, head_angles
from face_streams.encoders.livelink import LiveLinkEncoder
from face_streams.encoders.unified import BENT, UnifiedEncoder, parameters
from face_streams.encoders.unified_table import NAMES
from face_streams.encoders.vmc import VmcEncoder, unity_rotation
from face_streams.encoders.web_json import JsonEncoder
from face_streams.face import StreamFace
from made_up_faces import made_up_face

FOREIGN = Path(__file__).parent / "foreign"
RAW = made_up_face(**{name: (i + 1) / 100.0 for i, name in enumerate(arkit.BLENDSHAPES)})
FACE = StreamFace(RAW, RAW.weights, np.array([0.5]), RAW.head)
LOST = replace(FACE, raw=replace(RAW, state="lost"))


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live Link Face counts frames since the local midnight."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOREIGN / f"{name}.json").read_text(encoding="utf-8"))
    assert found["decoder"]
    return found


def test_live_link_face() -> None:
    """PyLiveLinkFace."""
    known = recorded("livelink")
    encoder = LiveLinkEncoder()
    assert [data.hex() for data in encoder(FACE)] == [known["bytes"]]
    assert [data.hex() for data in encoder(LOST)] == [known["bytes_lost"]]
    read = list(known["values"].values())
    assert [name[0].lower() + name[1:] for name in known["values"]][: arkit.COUNT] == list(arkit.BLENDSHAPES)
    np.testing.assert_allclose(read[: arkit.COUNT], FACE.weights, atol=1e-6)
    assert FACE.head is not None
    np.testing.assert_allclose(read[arkit.COUNT : arkit.COUNT + 3], head_angles(FACE.head), atol=1e-5)
    np.testing.assert_allclose(read[arkit.COUNT + 3 :], eye_angles(FACE.weights), atol=1e-5)
    assert (known["subject"], known["device"], known["fps"]) == ("imusic", f"${encoder.device}", 60)
    assert not known["lost_has_a_face"]
    assert (known["frame"] + known["sub_frame"]) / 60.0 == pytest.approx(RAW.time_s % 86400.0, abs=1e-3)


def test_vmc() -> None:
    """python-osc; vmcp took every message as one of its events."""
    known = recorded("vmc")
    assert [data.hex() for data in VmcEncoder(("A",))(FACE)] == known["bytes"]
    assert [data.hex() for data in VmcEncoder(("A",))(LOST)] == known["bytes_lost"]
    read = known["read"]
    shapes = {given[0]: given[1] for address, given in read if address == "/VMC/Ext/Blend/Val"}
    names = [name[0].upper() + name[1:] for name in arkit.BLENDSHAPES]
    assert shapes == pytest.approx({**dict(zip(names, FACE.weights, strict=True)), "A": 0.5}, abs=1e-6)
    others = {address: given for address, given in read if address != "/VMC/Ext/Blend/Val"}
    assert list(others) == [
        "/VMC/Ext/OK",
        "/VMC/Ext/T",
        "/VMC/Ext/Root/Pos",
        "/VMC/Ext/Bone/Pos",
        "/VMC/Ext/Blend/Apply",
    ]
    assert others["/VMC/Ext/OK"] == [1, 3, 0, 1]
    assert FACE.head is not None
    assert others["/VMC/Ext/Bone/Pos"][0] == "Head"
    assert others["/VMC/Ext/Bone/Pos"][4:] == pytest.approx(unity_rotation(FACE.head), abs=1e-5)
    assert known["read_lost"] == [["/VMC/Ext/OK", [1, 3, 0, 0]], ["/VMC/Ext/T", [0.0]]]


def test_unified_expressions() -> None:
    """python-osc, and every name is in VRCFaceTracking's sources."""
    known = recorded("osc")
    assert [data.hex() for data in UnifiedEncoder()(FACE)] == known["bytes"]
    assert [data.hex() for data in UnifiedEncoder()(LOST)] == known["bytes_lost"]
    read = {address.removeprefix("/avatar/parameters/"): given for address, given in known["read"]}
    for name, value in zip((*NAMES, *BENT), parameters(FACE.weights), strict=True):
        assert read[f"v2/{name}"] == [pytest.approx(value, abs=1e-5)]
    assert FACE.head is not None
    yaw, pitch, roll = head_angles(FACE.head)
    for name, angle in (("Yaw", yaw), ("Pitch", pitch), ("Roll", roll)):
        assert read[f"v2/Head/{name}"] == [pytest.approx(-angle / (math.pi / 2.0), abs=1e-5)]
    assert read["EyeTrackingActive"] == [True]
    assert all(given == [False] for _, given in known["read_lost"])


def test_web_socket() -> None:
    """A browser."""
    known = recorded("ws")
    assert JsonEncoder()(FACE)[0].decode() == known["text"]
    read = known["read"]
    assert read["weights"] == pytest.approx(dict(zip(arkit.BLENDSHAPES, FACE.weights, strict=True)), abs=6e-5)
    assert read["confidence"] == dict.fromkeys(arkit.BLENDSHAPES, 0.75)
    assert (read["state"], read["tracked"], read["sequence"]) == ("tracking", True, 7)
