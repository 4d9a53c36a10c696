import dataclasses
import struct

import numpy as np
import pytest

from face_model.face_state import FaceState
from face_model.layout import Sensor, SensorLayout, SkullPose
from face_model.rig import FaceRig
from face_viz.errors import PortError
from face_viz.frame import FaceFrame, ReferenceFrame
from face_viz.page import FacePage
from face_viz.page_format import NO_INPUT
from face_viz.shown_sensors import SensorStatus, ShownSensors


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(small_rig: FaceRig, clock: Clock):
    page = FacePage(small_rig, port=0, clock=clock)
    yield page
    page.close()


def face(jaw: float = 0.0, **changes: object) -> FaceFrame:
    weights = np.zeros(52, np.float32)
    weights[17] = jaw
    frame = FaceFrame(weights=weights, confidence=np.full(52, 0.5, np.float32), age_s=0.004, model="m 1")
    return dataclasses.replace(frame, **changes)


def fields(payload: bytes) -> dict[str, object]:
    state, boards, rate, age_ms, silence_s, sequence = struct.unpack_from("<IIfffI", payload)
    assert len(payload) == 24 + 16 + 208 + 28 * boards + 52 + boards
    return {
        "state": None if state == NO_INPUT else FaceState(state), "boards": boards, "rate": rate, "age_ms": age_ms,
        "silence_s": silence_s, "sequence": sequence, "weights": np.frombuffer(payload, "<f4", 52, 40),
        "poses": np.frombuffer(payload, "<f4", 7 * boards, 248).reshape(-1, 7),
        "confidence": np.frombuffer(payload, "u1", 52, 248 + 28 * boards),
        "status": np.frombuffer(payload, "u1", boards, 300 + 28 * boards),
    }  # fmt: skip


def test_a_viewer_gets_the_newest_face_once(page: FacePage) -> None:
    page.show(face(0.1))
    page.show(face(0.3, sequence=7))
    key, payload = page.frame(-1)
    found = fields(payload)
    assert found["weights"][17] == pytest.approx(0.3)
    assert found["sequence"] == 7
    assert found["age_ms"] == pytest.approx(4.0)
    assert set(found["confidence"]) == {128}
    assert found["state"] is FaceState.TRACKING
    assert page.frame(key) is None
    page.show(face(0.5))
    assert page.frame(key) is not None


def test_frames_are_made_once_for_all_viewers_and_not_at_all_for_none(page: FacePage) -> None:
    made = []

    def make() -> FaceFrame:
        made.append(1)
        return face()

    for _ in range(100):
        page.show_later(make)
    assert not made
    assert page.frame(-1) == page.frame(-1)
    assert len(made) == 1
    assert page.counters["frames_encoded"] == 1
    assert page.counters["faces"] == 100


def test_silence_is_shown_whatever_the_last_face_claimed(page: FacePage, clock: Clock) -> None:
    page.show(face(state=FaceState.TRACKING))
    key, _ = page.frame(-1)
    clock.now_s += 0.6
    key, payload = page.frame(key)
    assert fields(payload)["state"] is None
    assert fields(payload)["silence_s"] == pytest.approx(0.6)
    assert page.frame(key) is None
    clock.now_s += 0.6
    assert fields(page.frame(key)[1])["silence_s"] == pytest.approx(1.2)
    page.show(face())
    assert fields(page.frame(key)[1])["state"] is FaceState.TRACKING


def test_a_reference_is_told_while_it_is_new(page: FacePage, clock: Clock) -> None:
    page.show_reference(ReferenceFrame(np.zeros(52, np.float32), np.ones(52, bool), True, "phone"))
    told = page.reference(0)
    assert told is not None
    assert page.reference(told[0]) is None
    clock.now_s += 2.0
    assert page.reference(0) is None, "a viewer who comes later sees no face of before"


def test_before_the_first_face_there_is_no_input(page: FacePage) -> None:
    found = fields(page.frame(-1)[1])
    assert found["state"] is None
    assert not found["weights"].any()


@pytest.mark.parametrize(
    "bad",
    [
        {"weights": np.full(52, np.nan, np.float32)},
        {"weights": np.zeros(51, np.float32)},
        {"confidence": np.full(52, np.inf, np.float32)},
        {"head_orientation": np.array([0, 0, np.nan, 1], np.float32)},
    ],
)
def test_an_undrawable_face_is_counted_and_the_last_good_one_stays(page: FacePage, bad: dict) -> None:
    page.show(face(0.4))
    page.frame(-1)
    page.show(face(**bad))
    found = fields(page.frame(-1)[1])
    assert found["weights"][17] == pytest.approx(0.4)
    assert page.counters["faces_refused"] == 1


def test_rate_is_that_of_the_faces_not_of_the_frames(page: FacePage, clock: Clock) -> None:
    page.frame(-1)
    for step in range(200):
        clock.now_s += 0.01
        page.show(face())
        if step % 3 == 0:
            _, payload = page.frame(-1)
    assert fields(payload)["rate"] == pytest.approx(100.0, rel=0.03)


def test_sensors_move_with_the_skin_and_carry_their_status(page: FacePage) -> None:
    layout = SensorLayout(
        "two",
        (
            Sensor(0, "skull", "none", "left", None, SkullPose((0.0, 0.07, 0.0), (0.0, 0.0, 0.0, 1.0)), True),
            Sensor(1, "chin", "mentalis", "midline", (0.0, -1.5), None),
        ),
    )

    def poses(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        positions = np.zeros((1, 2, 3))
        positions[0, 1, 2] = -0.01 * weights[0, 17]
        return positions, np.tile([0.0, 0.0, 0.0, 1.0], (1, 2, 1))

    before, _ = page.scene()
    page.set_sensors(ShownSensors(layout, poses, [SensorStatus.VALID, SensorStatus.MISSING]))
    after, scene = page.scene()
    assert after != before
    assert [s["name"] for s in scene["sensors"]] == ["skull", "chin"]
    assert scene["layout"] == "two"
    page.show(face(1.0))
    found = fields(page.frame(-1)[1])
    assert found["poses"][1, 2] == pytest.approx(-0.01)
    assert found["status"].tolist() == [0, 2]


def test_a_changed_option_is_told(page: FacePage) -> None:
    before, scene = page.scene()
    assert scene["options"]["show_sensors"] is True
    page.set_option("show_sensors", False)
    after, scene = page.scene()
    assert after != before
    assert scene["options"]["show_sensors"] is False


def test_a_new_model_is_told(page: FacePage) -> None:
    page.show(face(model="a"))
    revision, scene = page.scene()
    assert scene["model"] == "a"
    page.show(face(model="b"))
    assert page.scene()[1]["model"] == "b"
    assert page.scene()[0] == revision + 1


def test_a_taken_port_is_an_error_that_names_it_and_the_remedy(page: FacePage, small_rig: FaceRig) -> None:
    with pytest.raises(PortError, match=rf"port {page.port} .*in use.*set the parameter `port`.*or to 0"):
        FacePage(small_rig, port=page.port)


def test_port_0_takes_the_next_free_one(page: FacePage, small_rig: FaceRig) -> None:
    other = FacePage(small_rig, port=0)
    try:
        assert other.port > page.port >= 8080
        assert other.url == f"http://127.0.0.1:{other.port}"
        assert not other.is_public
    finally:
        other.close()


def test_a_closed_page_frees_its_port_and_closes_twice(small_rig: FaceRig) -> None:
    first = FacePage(small_rig, port=0)
    first.close()
    first.close()
    second = FacePage(small_rig, port=first.port)
    second.close()


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_a_foreign_host_is_an_error_that_names_it(small_rig: FaceRig, host: str) -> None:
    with pytest.raises(PortError, match=host.replace(".", r"\.") + ".*use 127.0.0.1"):
        FacePage(small_rig, host=host, port=0)


def test_a_public_page_says_so(small_rig: FaceRig) -> None:
    page = FacePage(small_rig, host="0.0.0.0", port=0)
    try:
        assert page.is_public
        assert page.url.startswith("http://127.0.0.1:")
    finally:
        page.close()


def test_the_face_looks_ahead_once_there_is_a_neutral_whatever_its_heading_was_before(
    page: FacePage, clock: Clock
) -> None:
    """Before, headings are the sensor's own; with a neutral, zero is where the wearer looked."""
    aside = np.array([0.0, 0.0, np.sin(0.75), np.cos(0.75)], np.float32)
    ahead = np.array([0.0, 0.0, 0.0, 1.0], np.float32)
    shown = []
    for state, head in [(FaceState.CALIBRATING, aside), (FaceState.TRACKING, ahead), (FaceState.TRACKING, aside)]:
        clock.now_s += 0.01
        page.show(face(state=state, head_orientation=head))
        _, payload = page.frame(-1)
        shown.append(np.frombuffer(payload, "<f4", 4, 24))
    assert shown[0] == pytest.approx(ahead, abs=1e-3)
    assert shown[1] == pytest.approx(ahead, abs=1e-3)
    assert shown[2] == pytest.approx(aside, abs=1e-2), "a turn after that is shown"
