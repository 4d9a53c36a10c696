"""The page as a person sees it, in headless Chromium with software WebGL."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from face_model import arkit, observability
from face_model.face_state import FaceState
from face_model.layout import load_layout
from face_model.skin import skin_patches
from face_viz.frame import FaceFrame, ReferenceFrame
from face_viz.page import FacePage, Trouble
from face_viz.page_commands import FORMATS, Command
from face_viz.page_format import encode_signals
from face_viz.shown_sensors import SensorStatus, ShownSensors
from imu_sim.head import build_head

pytestmark = pytest.mark.page

PANEL_PX = 340
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


COMMANDS: list[Command] = []


@pytest.fixture
def asked() -> list[Command]:
    """What viewers asked for since the test began."""
    COMMANDS.clear()
    return COMMANDS


@pytest.fixture(scope="module")
def page(calibrated: threading.Event) -> Iterator[FacePage]:
    page = FacePage(
        RIG, port=0, draw_rate_hz=2.0, on_calibrate=calibrated.set, on_command=COMMANDS.append, title="alice"
    )
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
    """Address with the resolution fixed and seen from the front, so that pictures can be compared."""
    return f"{page.url}/?quality=full&view=front"


def skin(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with the colour of skin or lips, as opposed to the blue-grey studio."""
    red, green, blue = (picture[..., k].astype(int) for k in range(3))
    return (red > 90) & (red > green + 8) & (green > blue - 25) & (red > blue + 15)


def mouth_region(picture: NDArray[np.uint8], panel_px: int = PANEL_PX) -> NDArray[np.int_]:
    """The part of the stage where the rig's mouth is drawn from the front."""
    height, width = picture.shape[0], picture.shape[1] - panel_px
    return picture[int(0.66 * height) : int(0.88 * height), int(0.35 * width) : int(0.65 * width)].astype(int)


@pytest.mark.parametrize(("size", "panel_px"), [((1280, 800), 340), ((800, 600), 300), ((1600, 500), 340)])
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


def bar(browser, name: str) -> str:  # type: ignore[no-untyped-def]
    """The number on the bar of a shape; empty if there is no such bar."""
    return str(browser.evaluate(f"document.querySelector('.bar[data-shape={name}] .value')?.textContent ?? ''"))


def tab(browser, name: str) -> None:  # type: ignore[no-untyped-def]
    browser.evaluate(f"document.querySelector('[data-tab={name}]').click()")


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_all_52_weights_have_a_bar_and_what_sensors_cannot_tell_stands_apart(browser, page, performer, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, *size)
    performer.play({"mouthSmileLeft": 0.8, "tongueOut": 0.3})
    browser.wait_for(lambda: bar(browser, "mouthSmileLeft") == "0.80", "bar of the smile")
    assert bar(browser, "tongueOut") == "0.30"
    names = browser.evaluate("[...document.querySelectorAll('.bar')].map((b) => b.dataset.shape)")
    assert sorted(names) == sorted(arkit.BLENDSHAPES)
    apart = browser.evaluate("[...document.querySelectorAll('.hidden-shapes .bar')].map((b) => b.dataset.shape)")
    assert sorted(apart) == sorted(arkit.BLENDSHAPES[i] for i in observability.HIDDEN)
    widest = browser.evaluate(
        "Math.max(...[...document.querySelectorAll('.bar')].map((b) => b.getBoundingClientRect().right))"
    )
    assert widest <= size[0]
    # Every one can be brought into view by scrolling.
    browser.evaluate("document.querySelector('.bar[data-shape=tongueOut]').scrollIntoView({block: 'center'})")
    box = browser.evaluate("document.querySelector('.bar[data-shape=tongueOut]').getBoundingClientRect().toJSON()")
    assert 0 < box["top"] < box["bottom"] <= size[1]
    performer.frame = replace(performer.frame, observable=tuple(range(52)))
    browser.wait_for(lambda: browser.evaluate("!document.querySelector('.hidden-shapes')"), "no hidden shapes")


def test_confidence_is_on_the_bars_and_on_the_face_where_wanted(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), 960, 600)
    unsure = np.full(arkit.COUNT, 0.1, np.float32)
    performer.frame = replace(performer.face({}), confidence=unsure)
    sure = "document.querySelector('.bar[data-shape=jawOpen] .sure')?.style.transform"
    browser.wait_for(lambda: browser.evaluate(sure) == "scaleX(0.1)", "confidence on the bar")
    plain = browser.screenshot()[:, :-PANEL_PX].astype(int)
    browser.click("show-confidence")
    browser.wait_for_frames(2)
    tinted = browser.screenshot()[:, :-PANEL_PX].astype(int)
    mouth = mouth_region(tinted, 0) - mouth_region(plain, 0)
    assert mouth[..., 1].mean() < -8, "an unsure mouth is tinted red"
    browser.click("show-confidence")
    browser.wait_for_frames(2)
    assert np.abs(browser.screenshot()[:, :-PANEL_PX].astype(int) - plain).mean() < 1.0


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
    browser.wait_for(lambda: bar(browser, "mouthSmileLeft") == "0.80", "bar of the smile")
    assert browser.text("state") == "Tracking"
    assert browser.text("who") == "alice"
    assert browser.evaluate("document.getElementById('banner').className") == ""


@pytest.mark.parametrize(
    ("state", "word"),
    [(FaceState.CALIBRATING, "Calibrating"), (FaceState.DEGRADED, "Degraded"), (FaceState.STALE, "Stale")],
)
@pytest.mark.parametrize("size", [(960, 600), (400, 800)])
def test_a_state_that_matters_is_said_large_in_colour_and_words(browser, page, performer, state, word, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, *size)
    performer.play({}, state)
    browser.wait_for(lambda: browser.text("banner-word") == word, "banner")
    assert browser.text("state") == word
    assert len(browser.text("banner-text")) > 10
    style = browser.evaluate("getComputedStyle(document.getElementById('banner-word')).fontSize")
    assert float(style.removesuffix("px")) >= 20
    box = browser.evaluate("document.getElementById('banner').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= size[0]
    browser.wait_for(
        lambda: browser.evaluate("getComputedStyle(document.getElementById('banner')).opacity") == "1", "it"
    )
    performer.play({})
    browser.wait_for(lambda: browser.evaluate("document.getElementById('banner').className") == "", "end of it")


def test_what_is_not_well_is_shown(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, 960, 600)
    show(browser, performer, {"jawOpen": 0.4})
    page.set_troubles((Trouble("face_inference", "warning", "35 % lost [x]"), Trouble("imu_driver", "error", "<b>")))
    browser.wait_for(lambda: browser.text("troubles") == "face_inference: 35 % lost [x]imu_driver: <b>", "troubles")
    assert "troubled" in browser.evaluate("document.getElementById('state').className")
    page.set_troubles(())
    browser.wait_for(lambda: browser.text("troubles") == "", "no troubles")
    assert "troubled" not in browser.evaluate("document.getElementById('state').className")
    performer.frame = replace(performer.frame, age_s=0.4)
    browser.wait_for(lambda: "this computer is too slow" in browser.text("troubles"), "late faces")
    assert browser.text("banner-word") == "Too slow"
    performer.frame = replace(performer.frame, age_s=0.004)
    browser.wait_for(lambda: browser.text("troubles") == "", "faces in time")
    assert browser.evaluate("document.title") == "alice: imusic"


def units(**changes: dict[str, object]) -> dict[str, object]:
    """What the node tells of the units of the shipped layout; changes by name."""
    plain = {"present": True, "status": 3, "lately": 0}
    return {
        "units": [
            {
                "id": s.id,
                "name": s.name,
                "muscle": s.muscle,
                "reference": s.reference,
                **plain,
                **changes.get(s.name, {}),
            }
            for s in load_layout().sensors
        ]
    }


def press(browser, selector: str, asked: list[Command], expected: Command) -> None:  # type: ignore[no-untyped-def]
    """Press a button until the request has come: on a loaded machine the page may just be connecting anew."""
    tries = iter(range(100_000))

    def come() -> bool:
        if next(tries) % 40 == 0:
            browser.evaluate(f"document.querySelector('{selector}').click()")
        return expected in asked

    browser.wait_for(come, f"request {expected}")


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_each_units_health_is_shown_and_identify_asks_for_the_right_one(browser, page, performer, asked, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, *size)
    page.tell("services", {"identify": True})
    page.tell("units", units(mentalis={"status": 64}, levator_left={"lately": 64}))
    tab(browser, "units-tab")
    browser.wait_for(lambda: len(browser.evaluate("[...document.querySelectorAll('#units li')]")) == 12, "units")
    rows = browser.evaluate("[...document.querySelectorAll('#units li')].map((r) => [r.className, r.innerText])")
    assert [kind for kind, _ in rows[:3]] == ["fault", "odd", "good"], "what needs a look stands first"
    assert "mentalis" in rows[0][1]
    assert "faulty" in rows[0][1]
    assert "was faulty" in rows[1][1]
    mentalis = next(s.id for s in load_layout().sensors if s.name == "mentalis")
    press(browser, "#units li.fault button", asked, Command("identify", sensor=mentalis))
    page.tell("services", {"identify": False})
    browser.wait_for(lambda: browser.evaluate("document.querySelector('#units li.fault button').disabled"), "no driver")


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_the_routine_is_guided_large_and_can_be_cancelled(browser, page, performer, asked, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, *size)
    page.tell("services", {"routine": True, "use_wearer": True, "record": False})
    tab(browser, "session-tab")
    browser.wait_for(lambda: not browser.evaluate("document.getElementById('routine').disabled"), "offer")
    browser.evaluate("document.getElementById('wearer').value = ' Ana '")
    press(browser, "#routine", asked, Command("routine", wearer="Ana"))
    prompt = {"hold": True, "text": "Smile.", "number": 3, "count": 22, "phase_left": 1.5, "routine_left": 47.2}
    page.tell("prompt", prompt)
    browser.wait_for(lambda: browser.text("prompt") == "Smile.", "prompt")
    page.tell("prompt", prompt | {"phase_left": 0.75, "routine_left": 46.4})
    browser.wait_for(lambda: browser.text("task-count") == "3 of 22 · 47 s left", "time left")
    assert float(browser.evaluate("document.getElementById('task-left').value")) == pytest.approx(0.5)
    box = browser.evaluate("document.getElementById('task').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= size[0]
    press(browser, "#cancel", asked, Command("cancel"))
    page.tell("prompt", None)
    browser.wait_for(lambda: browser.evaluate("document.getElementById('task').hidden"), "end of it")
    press(browser, "#use-wearer", asked, Command("use_wearer", wearer="Ana"))


def test_recording_begins_tells_how_it_goes_and_ends(browser, page, performer, asked) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, 1280, 800)
    page.tell("recording", None)
    page.tell("services", {"record": False})
    tab(browser, "session-tab")
    browser.wait_for(lambda: "imusic record" in browser.text("recording"), "how to start a recorder")
    page.tell("services", {"record": True, "stop": True})
    browser.wait_for(lambda: browser.text("recording") == "", "a recorder")
    browser.evaluate("document.getElementById('take').value = 'smile'")
    browser.evaluate("document.getElementById('wearer').value = ''")
    press(browser, "#record", asked, Command("record", take="smile"))
    status = {
        "state": "recording", "path": "/t/x", "message": "", "duration": 73.2, "messages": 100, "bytes": 2_000_000,
        "lost": 3, "disk_time_left": 90.0,
    }  # fmt: skip
    page.tell("recording", status)
    browser.wait_for(lambda: browser.text("taping") == "Recording 1:13", "badge")
    assert "3 LOST" in browser.text("recording")
    assert "disk full in 1:30" in browser.text("recording")
    browser.wait_for(lambda: browser.text("record") == "Stop recording", "stop")
    press(browser, "#record", asked, Command("stop"))
    page.tell("recording", status | {"state": "failed", "message": "the disk is full <b>"})
    browser.wait_for(lambda: "the disk is full <b>" in browser.text("recording"), "reason")
    assert browser.evaluate("document.getElementById('taping').hidden")
    page.tell("replay", {"on": True})
    browser.wait_for(lambda: not browser.evaluate("document.getElementById('replaying').hidden"), "badge of a replay")
    page.tell("replay", {"on": False})
    page.tell("takes", {"folder": "/t", "takes": [{"name": "2026-01-01_1_<i>", "megabytes": 1.5}]})
    browser.wait_for(lambda: "2026-01-01_1_<i>" in browser.text("takes"), "list of takes")


PLAYER: dict[str, object] = {
    "state": "playing", "name": "smile <b>", "level": "frames", "message": "", "position": 12.34, "begin": 2.0,
    "end": 86.0, "rate": 1.0, "reached_rate": 1.0, "laps": 0, "checked": None,
}  # fmt: skip


def inside(browser, selector: str, size: tuple[int, int]) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Where an element is, which must be within the window."""
    box: dict[str, float] = browser.evaluate(f"document.querySelector('{selector}').getBoundingClientRect().toJSON()")
    assert 0 <= box["left"] < box["right"] <= size[0], selector
    assert 0 <= box["top"] < box["bottom"] <= size[1], selector
    return box


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_a_replay_is_led_by_click_drag_and_keys_and_its_controls_go_with_it(
    browser, page, performer, asked, size
) -> None:  # type: ignore[no-untyped-def]
    page.tell("player", None)
    browser.open(page.url, *size)
    performer.play({})
    browser.wait_for_frames(1)
    whole = browser.evaluate("document.getElementById('face').clientHeight")
    assert browser.evaluate("document.getElementById('player').hidden")
    page.tell("player", PLAYER)
    browser.wait_for(lambda: browser.text("player-time") == "0:12.3 / 1:26.0", "time and length")
    assert browser.text("player-word") == "smile <b> · plays"
    boxes = [
        inside(browser, f"#{name}", size) for name in ("play", "seek", "player-time", "player-rate", "player-word")
    ]
    assert all(box["top"] >= boxes[1]["top"] for box in boxes)
    assert boxes[1]["right"] - boxes[1]["left"] > 0.85 * (size[0] - (PANEL_PX if size[0] > 620 else 0))
    assert browser.evaluate("document.getElementById('face').clientHeight") < whole, "the face stands above them"
    press(browser, "#play", asked, Command("pause"))
    page.tell("player", PLAYER | {"state": "paused"})
    browser.wait_for(lambda: browser.text("play") == "Play", "button to go on")
    press(browser, "#play", asked, Command("resume"))
    page.tell("player", PLAYER | {"state": "waiting"})  # for a place that was jumped to while it stood
    browser.wait_for(lambda: "waits" in browser.text("player-word"), "wait")
    assert browser.text("play") == "Play"

    # A click and a drag with a real mouse, in the middle of the bar and then to its end.
    from selenium.webdriver import ActionChains

    bar_element = browser.driver.find_element("id", "seek")
    ActionChains(browser.driver).click(bar_element).perform()
    browser.wait_for(lambda: [c for c in asked if c.name == "seek"], "jump by a click")
    assert asked[-1].position == pytest.approx(44.0, abs=3.0)
    ActionChains(browser.driver).drag_and_drop_by_offset(bar_element, int(boxes[1]["width"] / 2) - 1, 0).perform()
    browser.wait_for(lambda: asked[-1] == Command("seek", position=86.0), "jump to the end")
    page.tell("player", PLAYER | {"position": 86.0, "state": "ended"})
    browser.wait_for(lambda: browser.text("play") == "Again", "button to begin anew")
    page.tell("player", PLAYER | {"position": 40.0})
    browser.wait_for(lambda: browser.text("player-time") == "0:40.0 / 1:26.0", "place")
    asked.clear()
    keys = {"ArrowLeft": 35.0, "ArrowUp": 70.0, "0": 2.0, "ArrowRight": 45.0, "ArrowDown": 10.0, "End": 86.0}
    for key, position in keys.items():
        event = f"new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true, cancelable: true }})"
        browser.evaluate(f"void (imusic.player.put = null, document.getElementById('seek').dispatchEvent({event}))")
        want = Command("seek", position=position)
        browser.wait_for(lambda want=want: want in asked, f"jump by {key}")


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_a_replays_speed_trouble_and_check_are_shown(browser, page, performer, asked, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, *size)
    page.tell("player", PLAYER | {"rate": 0.7, "reached_rate": 0.3, "laps": 2, "checked": [7, 1, 0, 5]})
    browser.wait_for(lambda: browser.evaluate("document.getElementById('player-rate').value") == "0.7", "speed")
    for told in ("reaches 0.3×", "lap 3", "7 equal, 1 different, 0 missing, 5 not compared"):
        assert told in browser.text("player-word")
    offered = browser.evaluate("[...document.getElementById('player-rate').options].map((o) => Number(o.value))")
    assert {0.0, 0.1, 0.7, 1.0, 20.0} <= set(offered)
    browser.evaluate(
        "(() => { const s = document.getElementById('player-rate'); s.value = '20';"
        " s.dispatchEvent(new Event('change')); })()"
    )
    browser.wait_for(lambda: Command("set_rate", rate=20.0) in asked, "another speed")
    page.announce("expected a rate of 0.1 to 20, found 50", False)
    browser.wait_for(lambda: browser.text("notice") == "expected a rate of 0.1 to 20, found 50", "the player's words")
    words = "inference ended <i>: " + "no face came. " * 20
    page.tell("player", PLAYER | {"state": "failed", "message": words})
    browser.wait_for(lambda: words.strip() in browser.text("player-word"), "reason")
    inside(browser, "#player", size)
    inside(browser, "#play", size)
    page.set_option("turn_head", True)
    page.tell("player", None)
    browser.wait_for(lambda: browser.evaluate("document.getElementById('player').hidden"), "end of the controls")


TAKES = {
    "folder": "/t",
    "takes": [{"name": "2026-01-02_1_<i>", "megabytes": 1.5}, {"name": "a '\"] b", "megabytes": 2}],
}
FIRST = "2026-01-02_1_<i>"


def does(command: str, row: int = 1) -> str:
    """Selector of what is to be done with a take of the list."""
    return f"#takes > li:nth-child({row}) [data-does={command}]"


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_takes_are_checked_and_replayed_from_the_list(browser, page, performer, asked, size) -> None:  # type: ignore[no-untyped-def]
    for note in ("work", "replayed"):
        page.tell(note, None)
    browser.open(page.url, *size)
    browser.wait_for_frames(1)  # by then the page listens to clicks
    tab(browser, "session-tab")
    page.tell("takes", TAKES)
    browser.wait_for(lambda: FIRST in browser.text("takes"), "list of takes")
    browser.evaluate("document.getElementById('whose').value = ' /bob '")
    press(browser, does("check_take", 2), asked, Command("check_take", folder="a '\"] b", whose="/bob"))
    note = {"kind": "check", "take": FIRST, "state": "running", "share": None, "text": ""}
    page.tell("work", note)
    browser.wait_for(lambda: f"Checking {FIRST}" in browser.text("work-text"), "what is done")
    assert browser.evaluate("document.getElementById('work').closest('li').dataset.take") == FIRST
    assert browser.evaluate(f"document.querySelector('{does('export_take')}').disabled"), "one at a time"
    press(browser, "#cancel-work", asked, Command("cancel_take"))
    found = [{"about": "loss", "grade": g, "text": f"{g} <u>"} for g in ("good", "remark", "warning", "bad", "good")]
    page.tell(
        "work", note | {"state": "done", "text": "Not as it should be: loss.", "findings": found, "usable": False}
    )
    browser.wait_for(lambda: "Not as it should be" in browser.text("work-text"), "verdict")
    rows = browser.evaluate("[...document.querySelectorAll('#findings li')].map((r) => [r.className, r.textContent])")
    assert [kind for kind, _ in rows] == ["remark", "warning", "bad", "good"]
    assert rows[1][1] == "loss: warning <u>"
    assert "2 more" in rows[3][1]
    browser.evaluate("document.getElementById('work').scrollIntoView({block: 'end'})")
    inside(browser, "#findings", size)
    press(browser, does("replay_take"), asked, Command("replay_take", folder=FIRST, whose="/bob"))
    replayed = {"take": FIRST, "place": "/replay", "state": "starting", "url": "", "text": ""}
    page.tell("replayed", replayed)
    browser.wait_for(lambda: "starts" in browser.text("replayed-text"), "start")
    assert browser.evaluate("document.getElementById('replayed-page').hidden")
    page.tell("replayed", replayed | {"state": "running", "url": "javascript:alert(1)"})
    browser.wait_for(lambda: "runs in /replay" in browser.text("replayed-text"), "replay")
    assert browser.evaluate("document.getElementById('replayed-page').hidden"), "that is no page"
    page.tell("replayed", replayed | {"state": "running", "url": "http://127.0.0.1:8123"})
    browser.wait_for(
        lambda: browser.evaluate("document.getElementById('replayed-page').href") == "http://127.0.0.1:8123/",
        "its page",
    )
    page.tell("takes", TAKES | {"takes": TAKES["takes"][1:]})  # type: ignore[index]
    browser.wait_for(lambda: FIRST not in browser.text("takes"), "a list without it")
    press(browser, "#end-replay", asked, Command("end_replay"))
    page.tell("replayed", replayed | {"state": "failed", "text": "no model <s>"})
    browser.wait_for(lambda: "no model <s>" in browser.text("replayed-text"), "reason")
    page.tell("replayed", None)
    browser.wait_for(lambda: browser.evaluate("document.getElementById('replayed').hidden"), "end of it")


def test_an_export_is_fetched_by_the_browser_that_asked(browser, page, performer, asked, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "take.csv").write_text("jawOpen\n0.5\n")
    (tmp_path / "got").mkdir()
    page.tell("work", None)
    browser.open(page.url, 1280, 800)
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path / "got")}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    browser.wait_for_frames(1)  # by then the page listens to clicks
    tab(browser, "session-tab")
    page.tell("takes", TAKES)
    browser.wait_for(lambda: FIRST in browser.text("takes"), "list of takes")
    offered = browser.evaluate(f"[...document.querySelector('{does('export_take')}').options].map((o) => o.value)")
    assert offered == ["", *FORMATS]
    browser.evaluate(
        f"(() => {{ const s = document.querySelector('{does('export_take')}'); s.value = 'csv';"
        " s.dispatchEvent(new Event('change')); })()"
    )
    browser.wait_for(lambda: Command("export_take", folder=FIRST, format="csv") in asked, "wish for a CSV")
    note = {"kind": "export", "take": FIRST, "format": "csv", "state": "running", "share": 0.25, "text": ""}
    page.tell("work", note)
    browser.wait_for(lambda: browser.evaluate("document.getElementById('work-left').value") == 0.25, "progress")
    file = {"url": page.offer(tmp_path / "take.csv", "smile.csv"), "name": f"{FIRST}.csv", "megabytes": 0.1}
    page.tell("work", note | {"state": "done", "text": "1 face", "file": file})
    browser.wait_for(lambda: list((tmp_path / "got").glob("*.csv")), "the file")
    (got,) = (tmp_path / "got").iterdir()
    assert got.read_text() == "jawOpen\n0.5\n"
    assert "Download" in browser.text("work-file")
    page.tell("work", note | {"state": "failed", "text": "expected ffmpeg, found none <b>"})
    browser.wait_for(lambda: "expected ffmpeg, found none <b>" in browser.text("work-text"), "reason")
    assert browser.evaluate("document.getElementById('work-file').hidden")
    page.tell("work", None)


def test_curves_are_drawn_and_signals_asked_for_only_while_looked_at(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, 1280, 800)
    performer.play(SMILE)
    browser.wait_for_frames(1)
    assert not page.signals_wanted
    page.tell("units", units())
    tab(browser, "plots-tab")
    browser.wait_for(lambda: page.signals_wanted, "wish for signals")
    turns = iter(range(10_000))

    def piece() -> bool:
        times = 0.1 * next(turns) + 0.02 * np.arange(5)
        page.add_signals(encode_signals(times, np.ones((5, 12, 3)), np.full((5, 12, 3), 5.66)))
        return int(browser.evaluate("window.imusic.curves.received")) > 4

    browser.wait_for(piece, "signals")

    def colours(plot: str) -> int:
        script = (
            f"(() => {{ const c = document.getElementById('{plot}'); const d = c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 0; i < d.length; i += 4)"
            " if (d[i + 3] > 200 && Math.max(d[i], d[i + 1], d[i + 2]) > 180) n++; return n; })()"
        )
        return int(browser.evaluate(script))

    for plot in ("plot-weights", "plot-rate", "plot-force"):
        browser.wait_for(lambda plot=plot: piece() and colours(plot) > 10, f"curve on {plot}")
    browser.evaluate(
        "(() => { const s = document.getElementById('plot-sensor'); s.value = '3';"
        " s.dispatchEvent(new Event('change')); })()"
    )
    browser.wait_for(
        lambda: piece() and browser.evaluate("[...imusic.curves.rate.tracks.keys()].join()") == "x,y,z", "axes"
    )
    tab(browser, "expression")
    browser.wait_for(lambda: not page.signals_wanted, "end of it")


@pytest.mark.parametrize("size", [(1280, 800), (400, 800)])
def test_a_reference_stands_beside_with_the_difference_of_each_shape(browser, page, performer, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(full(page), *size)
    show(browser, performer, {"jawOpen": 0.5})
    browser.wait_for(lambda: bar(browser, "jawOpen") == "0.50", "end of a reference that another browser saw")
    browser.wait_for_frames(2)
    browser.evaluate("void (window.imusic.patience = 1e9)")  # a loaded machine draws less often than references end
    alone = browser.screenshot()
    weights = np.zeros(arkit.COUNT, np.float32)
    weights[arkit.INDEX["jawOpen"]] = 0.1
    seen = np.ones(arkit.COUNT, bool)
    seen[arkit.INDEX["cheekPuff"]] = False

    def comes(face_seen: bool = True) -> None:
        page.tell("reference", {"source": "phone <b>"})
        page.show_reference(ReferenceFrame(weights, seen, face_seen, "phone"))

    def compared(value: str) -> bool:
        comes()
        return bar(browser, "jawOpen") == value

    browser.wait_for(lambda: compared("+0.40"), "difference")
    assert "phone <b>" in browser.text("reference-name")
    assert bar(browser, "cheekPuff") == "0.00", "the source does not measure it"
    comes()
    browser.wait_for_frames(1)
    width = size[0] - (PANEL_PX if size[0] > 620 else 0)
    pair = browser.screenshot()
    stage = skin(pair[: int(0.45 * size[1]), :width])
    assert min(stage[:, : width // 2].mean(), stage[:, width // 2 :].mean()) > 0.08, "two faces"
    browser.evaluate("void (window.imusic.patience = 0)")
    browser.wait_for(lambda: bar(browser, "jawOpen") == "0.50", "end of it, as no more comes")
    browser.wait_for_frames(2)
    again = browser.screenshot()[: int(0.4 * size[1]), :width].astype(int)
    assert np.abs(again - alone[: int(0.4 * size[1]), :width]).mean() < 2.0


@pytest.mark.parametrize("size", [(1280, 800), (960, 600), (400, 800)])
def test_neither_of_two_faces_is_cut_in_three_quarter_view(browser, page, performer, size) -> None:  # type: ignore[no-untyped-def]
    browser.open(f"{page.url}/?quality=full", *size)
    performer.play({})

    def beside() -> bool:
        browser.evaluate("void (window.imusic ? (imusic.patience = 1e9) : 0)")
        page.show_reference(ReferenceFrame(np.zeros(arkit.COUNT, np.float32), np.ones(arkit.COUNT, bool), True, "x"))
        return bool(browser.evaluate("window.imusic?.stage.pair ?? false"))

    browser.wait_for(beside, "two faces")
    browser.wait_for_frames(1)
    width = size[0] - (PANEL_PX if size[0] > 900 else 0)
    height = size[1] if size[0] > 620 else int(0.46 * size[1])
    stage = skin(browser.screenshot()[: int(0.8 * height), :width])
    for edge in (width // 2, width):
        assert not stage[:, edge - 2 : edge].any(), "an ear is cut"
    assert stage.mean() > 0.15, "they fill the view"


def test_the_first_view_is_three_quarter_and_the_front_a_click_away(browser, page, performer) -> None:  # type: ignore[no-untyped-def]
    browser.open(f"{page.url}/?quality=fine", 960, 600)
    browser.wait_for_frames(1)
    aside = "window.imusic.stage.camera.position.x"
    assert float(browser.evaluate(aside)) > 0.1
    browser.click("view")
    assert float(browser.evaluate(aside)) == pytest.approx(0.0, abs=1e-6)
    browser.wait_for_frames(1)
    assert browser.errors() == [], "the fine shaders compile"


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
        columns, rows = (np.flatnonzero(skin(area).mean(axis=axis) > 0.03) for axis in (0, 1))
        assert max(np.ptp(columns) / stage["width"], np.ptp(rows) / stage["height"]) > 0.75, "as large as fits"
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
