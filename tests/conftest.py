"""What tests of several rooms share: a ROS domain of their own, and a browser that looks at a page."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

# Small synthetic takes with exact geometry, for the estimator and the laboratory; recorded bytes of a simulated hub.
pytest_plugins = ("recorded_hub", "synthetic_takes")

# Before anything starts ROS: tests talk to nobody but themselves, not even to another run on this machine.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
# What nodes keep is not this user's.
for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
    os.environ[name] = tempfile.mkdtemp(prefix="imusic-state-")

# No deadlines: a machine may be slow. HYPOTHESIS_PROFILE=long looks longer.
settings.register_profile("suite", deadline=None)
settings.register_profile("long", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

TRIES = 12
"""For a picture of the page."""
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers and CI run as root
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)


class Browser:
    """A headless Chromium.

    Use: `browser.open(url)`, `browser.wait_for_frames(3)`, `browser.screenshot()`.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str, width: int = 1280, height: int = 800) -> None:
        """Load a page in a window of this size in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(url)

    def evaluate(self, expression: str) -> Any:
        """Value of a JavaScript expression."""
        return self.driver.execute_script(f"return {expression}")

    def wait_for(self, condition: Callable[[], Any], what: str, timeout_s: float = 180.0) -> Any:
        """Wait until `condition` returns something true, and return that; fail with the page's log."""
        end_s = time.monotonic() + timeout_s
        while not (found := condition()):
            if time.monotonic() > end_s:
                log = "\n".join(entry["message"] for entry in self.driver.get_log("browser"))
                pytest.fail(f"the page showed no {what} within {timeout_s} s; its log:\n{log}")
            time.sleep(0.1)
        return found

    def frames(self) -> int:
        """Faces the page has drawn since it was opened."""
        return int(self.evaluate("Number(document.documentElement.dataset.frames || 0)"))

    def wait_for_frames(self, more: int = 1) -> None:
        """Wait until the page has drawn this many more faces."""
        wanted = self.frames() + more
        self.wait_for(lambda: self.frames() >= wanted, f"{more} new faces")

    def text(self, element_id: str) -> str:
        """Text of an element."""
        return str(self.evaluate(f"document.getElementById('{element_id}').textContent"))

    def click(self, element_id: str) -> None:
        """Click an element."""
        self.evaluate(f"document.getElementById('{element_id}').click()")

    def screenshot(self) -> NDArray[np.uint8]:
        """What is seen, (height, width, 3) rgb."""
        from PIL import Image
        from selenium.common.exceptions import TimeoutException

        for _ in range(TRIES):
            try:
                png = self.driver.get_screenshot_as_png()
                break
            except TimeoutException:  # the driver waits 10 s for a picture, which a loaded machine may need longer for
                continue
        else:
            pytest.fail(f"no picture of the page in {TRIES} tries")
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))

    def errors(self) -> list[str]:
        """Errors in the page's log."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="module")
def browser(started_browser: Browser) -> Iterator[Browser]:
    """Headless Chromium; what it showed last does not look at other tests' pages."""
    yield started_browser
    started_browser.driver.get("about:blank")


@pytest.fixture(scope="session")
def started_browser() -> Iterator[Browser]:
    """Headless Chromium, or a skip that says what is missing."""
    binary = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    driver_binary = shutil.which("chromedriver")
    if binary is None or driver_binary is None:
        pytest.skip(
            f"no Chromium ({' or '.join(CHROMIUM_NAMES)}) and chromedriver on PATH; "
            "apt install chromium chromium-driver"
        )
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium; pip install selenium")
    pytest.importorskip("PIL", reason="no pillow; pip install pillow")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in CHROMIUM_FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_binary))
    driver.set_page_load_timeout(180)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
