"""A robot's head on the page, in headless Chromium with software WebGL."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from face_model.faces import load_rig
from face_model.share import share_dir
from face_viz.page import FacePage

pytestmark = pytest.mark.page

URDF = (share_dir() / "config" / "robots" / "demo_head.urdf").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page() -> Iterator[FacePage]:
    page = FacePage(load_rig(), port=0, draw_rate_hz=5.0)
    yield page
    page.close()


def hidden(browser, element: str) -> bool:  # type: ignore[no-untyped-def]
    return bool(browser.evaluate(f"document.getElementById('{element}').hidden"))


def drawn(browser) -> np.ndarray:  # type: ignore[no-untyped-def,type-arg]
    """Pixels of the robot's picture, drawn now."""
    script = """(() => {
        const { robot } = window.imusic;
        robot.draw();
        const gl = robot.renderer.getContext();
        const pixels = new Uint8Array(4 * gl.drawingBufferWidth * gl.drawingBufferHeight);
        gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
        return Array.from(pixels);
    })()"""
    return np.array(browser.evaluate(script), dtype=np.int64)


def test_a_robot_is_drawn_where_there_is_one_and_can_be_switched_off(browser, page) -> None:  # type: ignore[no-untyped-def]
    page.tell("robot", None)
    browser.open(page.url, 900, 700)
    browser.wait_for(lambda: browser.evaluate("Boolean(window.imusic)"), "viewer")
    assert hidden(browser, "robot")
    assert hidden(browser, "robot-switch")
    page.tell("robot", {"urdf": URDF})
    page.tell("joints", {"jaw": 0.0})
    browser.wait_for(lambda: not hidden(browser, "robot"), "robot")
    browser.wait_for(lambda: browser.evaluate("window.imusic.robot.angles?.jaw") == 0.0, "angles")
    shut = drawn(browser)
    assert (shut[3::4] > 0).mean() > 0.2, "the robot is not to be seen"
    page.tell("joints", {"jaw": 0.45, "lid_left": 1.1, "neck_yaw": 0.3, "eyes_pan": 0.4, "no_such_joint": 1.0})
    browser.wait_for(lambda: browser.evaluate("window.imusic.robot.angles?.jaw") == 0.45, "other angles")
    assert (np.abs(drawn(browser) - shut) > 20).mean() > 0.02, "the robot does not move"
    # Both eyes follow the joint that they mimic.
    turned = browser.evaluate(
        "window.imusic.robot.robot.joints.filter((j) => j.name === 'eyes_pan').map((j) => j.turned.quaternion.z)"
    )
    assert turned == pytest.approx(3 * [np.sin(0.2)])
    browser.click("show-robot")
    assert hidden(browser, "robot")
    page.tell("robot", None)
    browser.wait_for(lambda: hidden(browser, "robot-switch"), "end of the robot")
    assert browser.errors() == []


@pytest.mark.parametrize("urdf", ["", "no xml <", "<model/>", "<robot><link name='a'><visual/></link><joint/></robot>"])
def test_what_is_no_robot_leaves_the_page_whole(browser, page, urdf) -> None:  # type: ignore[no-untyped-def]
    browser.open(page.url, 900, 700)
    browser.wait_for(lambda: browser.evaluate("Boolean(window.imusic)"), "viewer")
    page.tell("robot", {"urdf": urdf})
    page.tell("joints", {"jaw": 0.1})
    browser.wait_for(lambda: not hidden(browser, "robot-switch"), "switch")
    browser.wait_for(lambda: browser.evaluate("window.imusic.robot.angles?.jaw") == 0.1, "angles")
    assert browser.errors() == []
