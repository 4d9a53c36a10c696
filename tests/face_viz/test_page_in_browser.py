"""The page as a person sees it, in headless Chromium with software WebGL."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from face_model import arkit
from face_model.layout import load_layout
from face_model.skin import skin_patches
from face_viz.frame import FaceFrame, FaceState
from face_viz.page import FacePage, Trouble
from face_viz.shown_sensors import SensorStatus, ShownSensors
from imu_sim.head import build_head

pytestmark = pytest.mark.page

PANEL_PX = 292
RIG = build_head()
SMILE = {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8, "jawOpen": 0.4, "browInnerUp": 0.3}


class Performer:
    """Shows the same face at 50 Hz until another is asked for."""

    def __init__(self, page: FacePage) -> None:
        self.page = page
        self.frame = self.face({})
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def face(self, shapes: dict[str, float], state: FaceState = FaceState.TRACKING) -> FaceFrame:
        weights = np.zeros(arkit.COUNT, np.float32)
        for name, value in shapes.items():
            weights[arkit.INDEX[name]] = value
        return FaceFrame(weights, np.full(arkit.COUNT, 0.9, np.float32), state, age_s=0.0042, model="test 1")

    def play(self, shapes: dict[str, float], state: FaceState = FaceState.TRACKING) -> None:
        self.frame = self.face(shapes, state)

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _play(self) -> None:
        while not self._end.wait(0.02):
            self.page.show(self.frame)


@pytest.fixture(scope="module")
def calibrated() -> threading.Event:
    return threading.Event()


@pytest.fixture(scope="module")
def page(calibrated: threading.Event) -> Iterator[FacePage]:
    page = FacePage(RIG, port=0, draw_rate_hz=4.0, on_calibrate=calibrated.set, title="alice")
    layout = load_layout()
    statuses = [SensorStatus.VALID] * len(layout.sensors)
    statuses[5] = SensorStatus.FAULTY
    page.set_sensors(ShownSensors(layout, skin_patches(RIG, layout).board_poses, statuses))
    yield page
    page.close()


@pytest.fixture
def performer(page: FacePage) -> Iterator[Performer]:
    performer = Performer(page)
    yield performer
    performer.close()


def show(browser, performer: Performer, shapes: dict[str, float]) -> None:  # type: ignore[no-untyped-def]
    performer.play(shapes)
    browser.wait_for(
        lambda: shown_weight(browser, "jawOpen") == pytest.approx(shapes.get("jawOpen", 0.0), abs=1e-6), "new weights"
    )
    browser.wait_for_frames(2)


def shown_weight(browser, name: str) -> float:  # type: ignore[no-untyped-def]
    return float(browser.evaluate(f"window.imusic?.frame?.weights[{arkit.INDEX[name]}] ?? -1"))


def full(page: FacePage) -> str:
    """Address with the resolution fixed, so that pictures can be compared."""
    return f"{page.url}/?quality=full"


def skin(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with the colour of skin or lips, as opposed to the blue-grey studio."""
    red, green, blue = (picture[..., k].astype(int) for k in range(3))
    return (red > 90) & (red > green + 8) & (green > blue - 25) & (red > blue + 15)


def mouth_region(picture: NDArray[np.uint8], panel_px: int = PANEL_PX) -> NDArray[np.int_]:
    """The part of the stage where the rig's mouth is drawn from the front."""
    height, width = picture.shape[0], picture.shape[1] - panel_px
    return picture[int(0.66 * height) : int(0.88 * height), int(0.35 * width) : int(0.65 * width)].astype(int)


@pytest.mark.parametrize(("size", "panel_px"), [((1280, 800), 292), ((800, 600), 236), ((1600, 500), 292)])
def test_the_face_fills_the_view_from_the_front(browser, page, performer, size, panel_px) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), *size)
    show(browser, performer, {})
    picture = browser.screenshot()
    assert picture.shape[:2] == (size[1], size[0])
    stage = skin(picture[:, : size[0] - panel_px])
    middle = stage[int(0.35 * size[1]) : int(0.85 * size[1]), int(stage.shape[1] * 0.44) : int(stage.shape[1] * 0.56)]
    assert middle.mean() > 0.75, "the middle of the view is not skin"
    rows = np.flatnonzero(stage.mean(axis=1) > 0.03)
    assert np.ptp(rows) > 0.7 * size[1], "the face does not fill the view"
    columns = np.flatnonzero(stage.mean(axis=0) > 0.1)
    centre = 0.5 * (columns[0] + columns[-1])
    assert centre == pytest.approx(stage.shape[1] / 2, abs=0.06 * stage.shape[1])
    assert browser.errors() == []


def test_a_narrow_page_has_bars(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, 400, 800)
    performer.play(SMILE)
    browser.wait_for(lambda: "Mouth smile" in browser.text("bars"), "bar of the smile")
    box = browser.evaluate("document.querySelector('#bars li').getBoundingClientRect().toJSON()")
    assert box["height"] > 20
    assert box["bottom"] < 800


def test_other_weights_give_another_mouth(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    show(browser, performer, {})
    neutral = browser.screenshot()
    same = np.abs(mouth_region(browser.screenshot()) - mouth_region(neutral)).mean()
    show(browser, performer, SMILE)
    smiling = browser.screenshot()
    moved = np.abs(mouth_region(smiling) - mouth_region(neutral)).mean()
    assert moved > 4.0
    assert moved > 10 * same
    corner = np.abs(smiling[:60, :60].astype(int) - neutral[:60, :60]).mean()
    assert corner < 1.0, "the background must stay as it is"


def test_the_page_computes_the_rigs_own_vertices(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    assert RIG.correctives, "the page must be tried with correctives"
    browser.open(full(page), 960, 600)
    show(browser, performer, SMILE)
    drawn = np.array(browser.evaluate("Array.from(window.imusic.rig.positions)")).reshape(-1, 3)
    assert np.abs(drawn - RIG.vertices(performer.frame.weights)).max() < 2e-5


def test_the_panel_tells_state_rate_delay_sensors_and_weights(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    show(browser, performer, SMILE)
    browser.wait_for(lambda: browser.text("rate").isdigit(), "rate")
    assert 20 <= int(browser.text("rate")) <= 60
    assert browser.text("latency") == "4.2"
    assert browser.text("sensors") == "11/12"
    assert "zygomaticus left" in browser.text("model")
    assert "test 1" in browser.text("model")
    browser.wait_for(lambda: "Mouth smile" in browser.text("bars"), "bar of the smile")
    assert "0.80" in browser.text("bars")
    assert browser.text("state") == "Tracking"
    performer.play({}, FaceState.CALIBRATING)
    browser.wait_for(lambda: browser.text("state") == "Calibrating", "state")
    assert "Relax your face" in browser.text("prompt")


def test_what_is_not_well_is_shown_and_what_imus_cannot_see_is_not(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    show(browser, performer, {"eyeLookDownLeft": 0.9, "eyeLookDownRight": 0.9, "tongueOut": 0.9, "jawOpen": 0.4})
    browser.wait_for(lambda: "Jaw open" in browser.text("bars"), "bar of the jaw")
    assert "Eye look" not in browser.text("bars")
    assert "Tongue" not in browser.text("bars")
    page.set_troubles((Trouble("face_inference", "warning", "35 % lost [x]"), Trouble("imu_driver", "error", "<b>")))
    browser.wait_for(lambda: browser.text("troubles") == "face_inference: 35 % lost [x]imu_driver: <b>", "troubles")
    assert "troubled" in browser.evaluate("document.getElementById('state').className")
    page.set_troubles(())
    browser.wait_for(lambda: browser.text("troubles") == "", "no troubles")
    assert "troubled" not in browser.evaluate("document.getElementById('state').className")
    performer.frame = replace(performer.frame, age_s=0.4)
    browser.wait_for(lambda: "this computer is too slow" in browser.text("troubles"), "late faces")
    performer.frame = replace(performer.frame, age_s=0.004)
    browser.wait_for(lambda: browser.text("troubles") == "", "faces in time")
    assert browser.evaluate("document.title") == "alice: imusic"


def test_silence_greys_the_face_and_says_so(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    show(browser, performer, {})
    colourful = skin(browser.screenshot()).mean()
    performer.close()
    browser.wait_for(lambda: browser.text("state") == "No input", "state without input")
    browser.wait_for_frames(1)
    assert skin(browser.screenshot()).mean() < 0.8 * colourful


def test_the_button_calls_and_the_answer_is_shown(browser, page, performer, calibrated) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    browser.wait_for_frames(1)
    browser.click("calibrate")
    assert calibrated.wait(120)
    page.announce("Neutral face calibrated")
    browser.wait_for(lambda: browser.text("notice") == "Neutral face calibrated", "notice")


def test_sensors_can_be_switched_off(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    show(browser, performer, {})

    def lamps() -> int:
        red, green, blue = np.moveaxis(browser.screenshot()[:, :-PANEL_PX].astype(int), -1, 0)
        return int(((green > 180) & (red < 90) & (green > blue + 15)).sum())

    assert lamps() > 100
    browser.click("show-sensors")
    browser.wait_for(lambda: lamps() == 0, "face without sensors")


def test_a_changed_option_sets_open_pages_and_a_viewers_choice_stands_until_then(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    show(browser, performer, {})

    def checked(box: str) -> bool:
        return bool(browser.evaluate(f"document.getElementById('{box}').checked"))

    browser.click("turn-head")
    assert not checked("turn-head")
    page.set_option("show_sensors", False)
    browser.wait_for(lambda: not checked("show-sensors"), "sensors switched off")
    assert not checked("turn-head"), "the viewer's own choice"
    page.set_option("show_sensors", True)
    browser.wait_for(lambda: checked("show-sensors"), "sensors switched on")


def test_dragging_turns_and_a_double_click_brings_the_front_back(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    from selenium.webdriver import ActionChains

    browser.open(full(page), 960, 600)
    show(browser, performer, {})
    front = browser.screenshot()[:, :-PANEL_PX].astype(int)
    canvas = browser.driver.find_element("id", "face")
    ActionChains(browser.driver).move_to_element(canvas).click_and_hold().move_by_offset(150, 30).release().perform()
    browser.wait_for_frames(2)
    turned = browser.screenshot()[:, :-PANEL_PX].astype(int)
    assert np.abs(turned - front).mean() > 5.0
    ActionChains(browser.driver).double_click(canvas).perform()
    browser.wait_for_frames(2)
    again = browser.screenshot()[:, :-PANEL_PX].astype(int)
    assert np.abs(again - front).mean() < 1.0


def test_keys_turn_and_zoom(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    browser.wait_for_frames(1)
    target = np.array(browser.evaluate("window.imusic.stage.controls.target.toArray()"))

    def eye() -> NDArray[np.float64]:
        """Where the camera is, seen from what it looks at: right, up and forward of the front view."""
        return np.array(browser.evaluate("window.imusic.stage.camera.position.toArray()")) - target

    def press(key: str) -> NDArray[np.float64]:
        browser.evaluate(
            f"document.getElementById('face').dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}))"
        )
        return eye()

    front = eye()
    assert front[:2] == pytest.approx([0, 0], abs=1e-6)
    assert press("ArrowLeft")[0] > 0.01
    assert press("ArrowRight")[0] == pytest.approx(0, abs=1e-6)
    assert press("ArrowUp")[1] > 0.01
    assert press("ArrowDown")[1] == pytest.approx(0, abs=1e-6)
    assert press("+")[2] < 0.95 * front[2]
    for _ in range(40):
        nearest = press("+")[2]
    assert nearest > 0.1, "the camera may not enter the head"
    for _ in range(20):
        press("ArrowUp")
    assert 0.3 < np.arctan2(eye()[1], eye()[2]) < np.pi / 2, "the camera may not go over the top"
    assert press("Home") == pytest.approx(front, abs=1e-6)


def test_the_head_turns_only_where_wanted(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    nodding = np.array([0, np.sin(0.15), 0, np.cos(0.15)], np.float32)
    performer.frame = replace(performer.face({}), head_orientation=nodding)

    def head() -> NDArray[np.float64]:
        return np.array(browser.evaluate("window.imusic?.stage.head.quaternion.toArray() ?? [0, 0, 0, 1]"))

    browser.wait_for(lambda: np.allclose(head(), nodding, atol=1e-3), "turned head")
    browser.click("turn-head")
    browser.wait_for(lambda: np.allclose(head(), [0, 0, 0, 1], atol=1e-6), "head straight ahead")


def test_the_face_follows_the_window(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 1280, 800)
    show(browser, performer, {})
    for width, height in [(700, 900), (420, 800)]:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.wait_for_frames(2)
        stage = json.loads(browser.evaluate("JSON.stringify(document.getElementById('face').getBoundingClientRect())"))
        area = browser.screenshot()[: int(stage["height"]), : int(stage["width"])]
        columns = np.flatnonzero(skin(area).mean(axis=0) > 0.03)
        assert np.ptp(columns) > 0.75 * stage["width"]
        assert columns[0] > 0
        assert columns[-1] < stage["width"] - 1


def test_the_page_comes_back_when_the_server_does(browser, performer) -> None:  # type: ignore[no-untyped-def]
    first = FacePage(RIG, port=0)
    browser.open(first.url, 960, 600)
    browser.wait_for_frames(1)
    first.close()
    browser.wait_for(lambda: browser.text("state") == "Disconnected", "lost connection")
    second = FacePage(RIG, port=first.port)
    try:
        second.show(performer.frame)
        browser.wait_for(lambda: browser.text("state") in {"Tracking", "No input"}, "new connection")
    finally:
        second.close()
        browser.driver.get("about:blank")
