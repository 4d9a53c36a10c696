"""The live face on a web page."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model import arkit
from face_model.face_state import FaceState
from face_model.rig import FaceRig
from face_viz.frame import NEUTRAL, STILL_S, FaceFrame, ReferenceFrame, drawable
from face_viz.front_view import FrontView
from face_viz.guard import is_loopback
from face_viz.page_commands import Command
from face_viz.page_format import encode_frame, encode_reference, encode_rig
from face_viz.server import DEFAULT_PORT, PageServer
from face_viz.shown_sensors import ShownSensors

MAX_RATE_HZ = 60.0
SILENT_PERIOD_S = 0.5
PIECES_KEPT = 10
"""Pieces of signals kept for viewers that are slow to fetch them, a second's worth."""
REFERENCE_S = 1.0
"""A reference older than this is no news for a viewer who comes now."""
RATE_WINDOW_S = 1.0
"""Least time over which faces per second are counted."""


@dataclass(frozen=True)
class Trouble:
    """What a node says of itself where not all is well.

    Attributes:
        node: its name.
        level: `warning` or `error`.
        text: in a line.
    """

    node: str
    level: str
    text: str


class FacePage:
    """A page that draws the newest face given to `show`, for any number of viewers.

    The page's own computer computes the mesh: it gets the rig once and then 52 weights a frame. `show` only stores a
    reference, so it can be called from a callback at any rate; frames that no viewer could draw are skipped.

    Args:
        rig: the face to draw.
        host: address to serve on; the default is reached from this machine only.
        port: 0 takes the first free one from 8080 up.
        draw_rate_hz: frames per second sent to each viewer, at most 60.
        on_calibrate: called, from the page's thread, when somebody presses "calibrate neutral"; must not block.
        on_command: as `on_calibrate`, for all else that viewers may ask for; without it the page offers nothing of it.
        show_sensors: whether sensors are shown until a viewer decides otherwise.
        turn_head: whether the head turns until a viewer decides otherwise.
        title: whose face it is, for the browser's tab; may be empty.
        clock: monotonic seconds.

    Raises:
        PortError: the address cannot be served; the message names port and remedy.
    """

    def __init__(
        self,
        rig: FaceRig,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        draw_rate_hz: float = 30.0,
        on_calibrate: Callable[[], None] | None = None,
        on_command: Callable[[Command], None] | None = None,
        show_sensors: bool = True,
        turn_head: bool = True,
        title: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rig = rig
        self._rig_bytes: bytes | None = None
        self._on_calibrate = on_calibrate
        self._on_command = on_command
        self._options = {
            "show_sensors": show_sensors,
            "turn_head": turn_head,
            "calibrate": on_calibrate is not None,
            "commands": on_command is not None,
        }
        self._notes: dict[str, tuple[int, str]] = {}
        self._reference: tuple[int, ReferenceFrame | None] = (0, None)
        self._reference_s = 0.0
        self._pieces: deque[tuple[int, bytes]] = deque(maxlen=PIECES_KEPT)
        self._piece = 0
        self._file: tuple[str, Path, str] | None = None
        self._title = title
        self._troubles: tuple[Trouble, ...] = ()
        self._clock = clock
        self._latest: tuple[int, float, Callable[[], FaceFrame]] = (0, -np.inf, lambda: NEUTRAL)
        self._face: tuple[int, FaceFrame] = (0, NEUTRAL)
        self._refused = 0
        self._rate = RateMeter()
        self._front = FrontView()
        self._was_calibrating = False
        self._sensors: ShownSensors | None = None
        self._lock = threading.Lock()
        self._revision = 0
        self._scene: dict[str, Any] = {}
        self._model: tuple[str, tuple[int, ...]] = ("", ())
        self._cached: tuple[int, bytes] = (-1, b"")
        self._frames_encoded = 0
        self._host = host
        self._describe()
        self._server = PageServer(self, host, port, min(draw_rate_hz, MAX_RATE_HZ))

    # What the owner calls, from any thread.

    def show(self, frame: FaceFrame) -> None:
        """Draw this face from now on; one with wrong shapes or with NaN is counted and left out."""
        self.show_later(lambda: frame)

    def show_later(self, make: Callable[[], FaceFrame]) -> None:
        """As `show`, but `make` is called, from the page's thread, only if a viewer is there to see the face.

        Taking a message apart costs more than receiving it: at 100 Hz and 30 frames per second most need not be.
        """
        self._latest = (self._latest[0] + 1, self._clock(), make)

    def set_sensors(self, sensors: ShownSensors | None) -> None:
        """Show these sensors; None for none."""
        with self._lock:
            self._sensors = sensors
            self._describe()

    def set_troubles(self, troubles: tuple[Trouble, ...]) -> None:
        """Show what is not as it should be, until told otherwise; none where all is well."""
        if troubles != self._troubles:
            with self._lock:
                self._troubles = troubles
                self._describe()

    def tell(self, name: str, value: Mapping[str, Any] | None) -> None:
        """Tell every viewer, now and those that come later, something that changes seldom; None: it holds no more.

        What has not changed is not told again.

        Args:
            name: `units`, `prompt`, `recording`, `services`, `replay`, `player`, `takes`, `work`, `replayed`,
                `robot` or `joints`.
            value: anything that JSON has.
        """
        text = json.dumps({"type": name, "value": value})
        number, before = self._notes.get(name, (0, ""))
        if text != before:
            self._notes[name] = (number + 1, text)

    def show_reference(self, reference: ReferenceFrame) -> None:
        """Draw this face beside the measured one; one with wrong shapes or NaN is left out."""
        good = reference.weights.shape == reference.seen.shape == (arkit.COUNT,)
        if good and np.isfinite(reference.weights).all():
            self._reference, self._reference_s = (self._reference[0] + 1, reference), self._clock()
        else:
            self._refused += 1

    def add_signals(self, piece: bytes) -> None:
        """The next piece of the sensors' signals, as `encode_signals` makes it."""
        self._piece += 1
        self._pieces.append((self._piece, piece))

    @property
    def signals_wanted(self) -> bool:
        """Whether a viewer looks at the sensors' signals."""
        return self._server.plotters > 0

    def set_option(self, name: str, value: bool) -> None:
        """Change `show_sensors` or `turn_head` on every open page."""
        with self._lock:
            self._options = {**self._options, name: value}
            self._describe()

    def set_draw_rate(self, rate_hz: float) -> None:
        """Frames per second sent to each viewer from now on, at most 60."""
        self._server.period_s = 1.0 / min(rate_hz, MAX_RATE_HZ)

    def announce(self, text: str, ok: bool = True) -> None:
        """Show one line on every open page."""
        self._server.notify(text, ok)

    def offer(self, path: Path | None, name: str = "") -> str:
        """Let viewers fetch this file, and no other any more, as `name`; None: none. The address below the page's.

        Nobody can guess the address: those get it who are told, over the page's own connection.
        """
        if path is None:
            self._file = None
            return ""
        token = secrets.token_urlsafe(24)
        self._file = token, path, name
        return f"exports/{token}"

    def close(self) -> None:
        """End the page and free its port; may be called twice."""
        self._server.close()

    @property
    def url(self) -> str:
        """Address to open."""
        host = "127.0.0.1" if self._host in {"0.0.0.0", "::", "localhost"} else self._host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def port(self) -> int:
        """Port that is served."""
        return self._server.port

    @property
    def is_public(self) -> bool:
        """Whether other machines can open the page."""
        return not is_loopback(self._host)

    @property
    def counters(self) -> dict[str, int]:
        """For diagnostics: viewers now; faces shown and refused; frames and bytes sent, frames encoded, in total."""
        return {
            "viewers": self._server.clients,
            "faces": self._latest[0],
            "faces_refused": self._refused,
            "frames_encoded": self._frames_encoded,
            "frames_sent": self._server.frames_sent,
            "bytes_sent": self._server.bytes_sent,
        }

    # What the server asks for, in its own thread, only while somebody watches.

    def rig_bytes(self) -> bytes:
        """See `FrameSource`."""
        if self._rig_bytes is None:
            self._rig_bytes = encode_rig(self._rig)
        return self._rig_bytes

    def scene(self) -> tuple[int, dict[str, Any]]:
        """See `FrameSource`."""
        newest = self._newest()
        if (newest.model, newest.observable) != self._model:
            with self._lock:
                self._describe()
        return self._revision, self._scene

    def frame(self, last: int) -> tuple[int, bytes] | None:
        """See `FrameSource`. Encoded once for all viewers."""
        count, arrived_s, _ = self._latest
        now_s = self._clock()
        silence_s = now_s - arrived_s
        silent = silence_s > STILL_S
        # While nothing arrives, a key every half second keeps the page's own clock of silence right.
        key = 2 * count if not silent else 2 * (count + int(now_s / SILENT_PERIOD_S)) + 1
        if key == last:
            return None
        if key != self._cached[0]:
            self._cached = (key, self._encode(self._newest(), count, now_s, silence_s, silent))
        return self._cached

    def notes(self) -> Mapping[str, tuple[int, str]]:
        """See `FrameSource`."""
        return self._notes

    def reference(self, last: int) -> tuple[int, bytes] | None:
        """See `FrameSource`."""
        number, reference = self._reference
        if reference is None or number == last or self._clock() - self._reference_s > REFERENCE_S:
            return None
        return number, encode_reference(reference)

    def signals(self, last: int) -> tuple[int, list[bytes]]:
        """See `FrameSource`."""
        kept = list(self._pieces)
        # A viewer that begins to look gets what comes, not what was.
        return self._piece, [] if last < 0 else [piece for number, piece in kept if number > last]

    def command(self, command: Command) -> None:
        """See `FrameSource`."""
        if command.name != "calibrate":
            if self._on_command is not None:
                self._on_command(command)
        elif self._on_calibrate is not None:
            self._front.reset()
            self._on_calibrate()

    def file(self, token: str) -> tuple[Path, str] | None:
        """See `FrameSource`."""
        offered = self._file
        if offered is None or not secrets.compare_digest(offered[0].encode(), token.encode("utf-8", "replace")):
            return None
        return offered[1:]

    def _turned(self, face: FaceFrame, now_s: float) -> NDArray[np.float32]:
        """The head seen from the front; until there is a neutral its heading means nothing, with it zero is ahead."""
        calibrating = face.state is FaceState.CALIBRATING
        if calibrating:
            self._front.reset()
        elif self._was_calibrating:
            self._front = FrontView()
        self._was_calibrating = calibrating
        return self._front.turn(face.head_orientation, now_s)

    def _newest(self) -> FaceFrame:
        """The newest face that can be drawn, made at most once."""
        count, _, make = self._latest
        if count != self._face[0]:
            face = make()
            if not drawable(face):
                self._refused += 1
                face = self._face[1]
            self._face = (count, face)
        return self._face[1]

    def _encode(self, face: FaceFrame, count: int, now_s: float, silence_s: float, silent: bool) -> bytes:
        self._frames_encoded += 1
        sensors = self._sensors
        poses = np.zeros((0, 7), np.float32) if sensors is None else sensors.poses(face.weights)
        statuses = np.zeros(0, np.uint8) if sensors is None else sensors.statuses
        return encode_frame(
            face,
            None if silent else face.state,
            self._turned(face, now_s),
            poses,
            statuses,
            self._rate.update(count, now_s),
            min(silence_s, 1e6),
        )

    def _describe(self) -> None:
        """Renew what the page is told of rarely; callers hold the lock, or nobody else knows the page yet."""
        face = self._face[1]
        self._model = (face.model, face.observable)
        sensors = [] if self._sensors is None else [asdict(info) for info in self._sensors.infos()]
        layout = "" if self._sensors is None else self._sensors.layout.name
        self._scene = {
            "title": self._title,
            "model": face.model,
            "observable": face.observable,
            "layout": layout,
            "sensors": sensors,
            "options": self._options,
            "troubles": [asdict(trouble) for trouble in self._troubles],
        }
        self._revision += 1


class RateMeter:
    """Mean rate over the last full window of at least a second; None until there was one."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._mark: tuple[int, float] | None = None
        self._rate_hz: float | None = None

    def update(self, count: int, now_s: float) -> float | None:
        """Rate in Hz, given the total count at monotonic time `now_s`."""
        if self._mark is None:
            self._mark = (count, now_s)
        elapsed = now_s - self._mark[1]
        if elapsed >= self._window_s:
            # A long pause of the reader (no viewer) must not average over it.
            self._rate_hz = (count - self._mark[0]) / elapsed if elapsed < 3.0 * self._window_s else None
            self._mark = (count, now_s)
        return self._rate_hz
