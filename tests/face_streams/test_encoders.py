"""Encoders read back by our own decoders, whole faces and any; what foreign decoders read is in test_foreign.py."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import arkit, osc, rotation
from face_model.livelink_packet import decode, head_angles
from face_streams.encoders.livelink import LiveLinkEncoder
from face_streams.encoders.osc_template import LARGEST_DATAGRAM, OscTemplate, Slot
from face_streams.encoders.unified import ACTIVE, BENT, HEAD, UnifiedEncoder, parameters
from face_streams.encoders.unified_table import BASE, LINEAR, NAMES
from face_streams.encoders.vmc import VmcEncoder, unity_rotation
from face_streams.encoders.web_json import JsonEncoder, hello
from face_streams.face import StreamFace
from made_up_faces import made_up_face

any_weights = st.lists(st.floats(0.0, 1.0, width=32), min_size=arkit.COUNT, max_size=arkit.COUNT).map(np.array)
angles = st.tuples(st.floats(-1.5, 1.5), st.floats(-1.4, 1.4), st.floats(-1.5, 1.5))
LOST = ("calibrating", "stale", "lost")


def messages(datagrams: list[bytes]) -> dict[str, tuple[object, ...]]:
    """By address, and for /VMC/Ext/Blend/Val by address and name."""
    found = {}
    for data in datagrams:
        for message in osc.decode(data):
            key, given_ = message.address, message.arguments
            if key == "/VMC/Ext/Blend/Val":
                key, given_ = f"{key} {given_[0]}", given_[1:]
            found[key] = given_
    return found


def with_weights(weights: np.ndarray, **fields: object) -> StreamFace:
    return StreamFace(made_up_face(), weights, **fields)  # type: ignore[arg-type]


@given(weights=any_weights)
def test_livelink_there_and_back(weights: np.ndarray) -> None:
    face = with_weights(weights, head=made_up_face().head)
    (data,) = LiveLinkEncoder()(face)
    packet = decode(data)
    np.testing.assert_array_equal(packet.weights, weights.astype(np.float32))
    assert packet.head_angles == pytest.approx(head_angles(face.head), abs=1e-6)
    assert packet.subject == "imusic"
    assert len(packet.device) == 36
    assert len(data) == 312
    assert packet.rate == (60, 1)
    assert packet.time_s % 1.0 == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize("state", LOST)
def test_a_face_that_is_not_tracked_is_told_as_each_protocol_can(face: StreamFace, state: str) -> None:
    lost = replace(face, raw=replace(face.raw, state=state))
    assert decode(LiveLinkEncoder()(lost)[0]).values is None
    found = messages(VmcEncoder()(lost))
    assert found["/VMC/Ext/OK"] == (1, 2 if state == "calibrating" else 3, 0, 0)
    assert not any(key.startswith("/VMC/Ext/Blend") for key in found)
    found = messages(UnifiedEncoder()(lost))
    assert found == {f"/avatar/parameters/{name}": (False,) for name in ACTIVE}
    told = json.loads(JsonEncoder()(lost)[0])
    assert (told["state"], told["tracked"]) == (state, False)


@given(weights=any_weights)
def test_vmc_there_and_back(weights: np.ndarray) -> None:
    extra = np.array([0.25, 1.0])
    datagrams = VmcEncoder(("A", "Blink_L"))(with_weights(weights, extra=extra, head=np.array([0.0, 0.0, 0.6, 0.8])))
    assert max(map(len, datagrams)) <= LARGEST_DATAGRAM
    found = messages(datagrams)
    for name, value in zip(arkit.BLENDSHAPES, weights, strict=True):
        assert found[f"/VMC/Ext/Blend/Val {name[0].upper()}{name[1:]}"] == (np.float32(value),)
    assert found["/VMC/Ext/Blend/Val A"] == (0.25,)
    assert found["/VMC/Ext/OK"] == (1, 3, 0, 1)
    assert found["/VMC/Ext/Root/Pos"] == ("root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    assert found["/VMC/Ext/Bone/Pos"][4:] == pytest.approx((0.0, -0.6, 0.0, 0.8))
    assert osc.decode(datagrams[-1])[-1].address == "/VMC/Ext/Blend/Apply"
    assert osc.decode(datagrams[0])[0].address == "/VMC/Ext/OK"


def test_vmc_tells_the_time_since_its_first_face(face: StreamFace) -> None:
    encoder = VmcEncoder(lower_case=True)
    encoder(face)
    found = messages(encoder(replace(face, raw=replace(face.raw, time_s=face.raw.time_s + 1.5))))
    assert found["/VMC/Ext/T"] == (1.5,)
    assert "/VMC/Ext/Blend/Val jawOpen" in found


def turned(left_handed: list[float], vector: np.ndarray) -> np.ndarray:
    """A vector turned in a left-handed frame, where the same formula of quaternions holds."""
    return np.asarray(rotation.rotate(np.array(left_handed), vector))


def test_unitys_axes() -> None:
    """Forward is z, up y, right x; a face that turns left looks to -x, one that looks up to +y."""
    ahead = np.array([0.0, 0.0, 1.0])
    left = rotation.from_vector(np.array([0.0, 0.0, 0.3]))
    up = rotation.from_vector(np.array([0.0, -0.3, 0.0]))
    lean_right = rotation.from_vector(np.array([0.3, 0.0, 0.0]))
    assert turned(unity_rotation(left), ahead)[0] < 0.0
    assert turned(unity_rotation(up), ahead)[1] > 0.0
    assert turned(unity_rotation(lean_right), np.array([0.0, 1.0, 0.0]))[0] > 0.0  # its top goes to the right


@given(vector=st.tuples(*[st.floats(-1.0, 1.0)] * 3), seen=st.tuples(*[st.floats(-1.0, 1.0)] * 3))
def test_unitys_rotation_turns_the_same_vectors(vector: tuple[float, ...], seen: tuple[float, ...]) -> None:
    def in_unity(v: np.ndarray) -> np.ndarray:
        return np.array([-v[1], v[2], v[0]])

    quaternion = rotation.from_vector(np.array(vector))
    expected = in_unity(rotation.rotate(quaternion, np.array(seen)))
    np.testing.assert_allclose(turned(unity_rotation(quaternion), in_unity(np.array(seen))), expected, atol=1e-9)


@given(weights=any_weights)
def test_unified_parameters_stay_within_bounds_and_are_read_back(weights: np.ndarray) -> None:
    found = messages(UnifiedEncoder()(with_weights(weights)))
    values = parameters(weights)
    assert (np.abs(values) <= 1.0).all()
    for name, value in zip((*NAMES, *BENT), values, strict=True):
        assert found[f"/avatar/parameters/v2/{name}"][0] == pytest.approx(value, abs=1e-6)
    for name, shape in BASE.items():
        assert found[f"/avatar/parameters/v2/{name}"][0] == pytest.approx(weights[arkit.INDEX[shape]], abs=1e-6)
    assert all(found[f"/avatar/parameters/{name}"] == (True,) for name in ACTIVE)
    assert len(found) == len(NAMES) + len(BENT) + len(HEAD) + len(ACTIVE)


def unified(**weights: float) -> dict[str, float]:
    raw = made_up_face(**weights)
    return dict(zip((*NAMES, *BENT), parameters(raw.weights), strict=True))


def test_unified_formulas() -> None:
    """Worked out by hand from VRCFaceTracking's own formulas."""
    assert unified()["EyeOpen"] == 1.0
    assert unified()["EyeLid"] == 0.75
    assert unified(eyeWideLeft=1.0)["EyeLidLeft"] == 1.0
    assert unified(eyeBlinkLeft=0.8, eyeSquintLeft=0.5)["EyeOpenLeft"] == 0.0
    smile = unified(mouthSmileLeft=1.0, mouthFrownRight=0.5)
    assert (smile["SmileFrownLeft"], smile["SmileFrownRight"], smile["SmileFrown"]) == (1.0, -0.5, 0.25)
    assert unified(mouthStretchLeft=0.6, mouthFrownLeft=0.2)["MouthSadLeft"] == 0.6
    assert unified(jawRight=0.4)["JawX"] == 0.4
    assert unified(mouthLeft=0.4)["MouthX"] == pytest.approx(-0.4)
    assert unified(browInnerUp=1.0)["BrowUpLeft"] == pytest.approx(0.4)
    assert unified(browDownLeft=1.0)["BrowExpressionLeft"] == -1.0
    looks_left = unified(eyeLookOutLeft=1.0, eyeLookInRight=1.0)
    assert looks_left["EyeX"] < 0.0
    assert unified(eyeLookUpLeft=1.0, eyeLookUpRight=1.0)["EyeY"] > 0.0
    assert set(LINEAR).isdisjoint(BASE)
    assert len({*NAMES, *BENT, *HEAD}) == len(NAMES) + len(BENT) + len(HEAD)


def test_unified_head_is_unitys() -> None:
    """Positive: right, down, leaning left; 90 degrees is 1."""
    head = np.asarray(rotation.from_vector(np.array([0.0, 0.0, -math.pi / 4.0])))  # 45 degrees to the right
    found = messages(UnifiedEncoder()(with_weights(np.zeros(52), head=head)))
    assert found["/avatar/parameters/v2/Head/Yaw"][0] == pytest.approx(0.5)


@given(weights=any_weights, bits=st.integers(1, 6))
def test_binary_parameters_are_the_floats_rounded_down(weights: np.ndarray, bits: int) -> None:
    found = messages(UnifiedEncoder("FT/", bits)(with_weights(weights)))
    for name, value in zip((*NAMES, *BENT), parameters(weights), strict=True):
        address = f"/avatar/parameters/FT/v2/{name}"
        size = sum(1 << bit for bit in range(bits) if found[f"{address}{1 << bit}"] == (True,))
        assert size == min(int(abs(value) * 2**bits), 2**bits - 1)
        assert found[f"{address}Negative"] == (bool(value < 0.0),)


@given(weights=any_weights)
def test_json_there_and_back(weights: np.ndarray) -> None:
    told = json.loads(JsonEncoder()(with_weights(weights, head=np.array([0.0, 0.0, 0.0, 1.0])))[0])
    assert list(told["weights"]) == list(arkit.BLENDSHAPES)
    np.testing.assert_allclose(list(told["weights"].values()), weights, atol=6e-5)
    assert told["head"] == [0.0, 0.0, 0.0, 1.0]
    assert (told["type"], told["format"], told["sequence"], told["time"]) == ("face", 1, 7, 1_700_000_000.25)
    assert json.loads(JsonEncoder()(with_weights(weights))[0])["head"] is None
    assert json.loads(hello("plain"))["names"] == list(arkit.BLENDSHAPES)


@given(
    contents=st.lists(
        st.tuples(
            st.text("abcde/", max_size=20).map("/".__add__),
            st.lists(st.sampled_from([Slot.NUMBER, Slot.TRUTH, "text", 3, 0.5, True, b"bytes"]), max_size=8).map(tuple),
        ),
        max_size=12,
    ),
    most=st.integers(40, 400),
)
def test_a_template_is_what_encoding_anew_would_give(contents: list, most: int) -> None:
    template = OscTemplate(contents, most)
    numbers = [0.25 * i for i in range(template.numbers)]
    truths = [bool(i % 2) for i in range(template.truths)]
    found = [(m.address, m.arguments) for data in template(numbers, truths) for m in osc.decode(data)]
    number, truth = iter(numbers), iter(truths)
    expected = [
        (address, tuple(next(number) if a is Slot.NUMBER else next(truth) if a is Slot.TRUTH else a for a in arguments))
        for address, arguments in contents
    ]
    assert found == expected
    with pytest.raises(ValueError, match="expected"):
        template([*numbers, 0.0], truths)
