"""`imusic record` as people run it: another process, beside something that publishes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
reader = pytest.importorskip("mcap.reader", reason="recordings need mcap: pip install mcap")

from imusic.msg import FaceBlendshapes, RecordingStatus  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402

from imusic_cli.errors import CommandError  # noqa: E402
from imusic_cli.record import _follow, _too_short, progress_line, record  # noqa: E402
from imusic_cli.recorder_client import RecorderClient  # noqa: E402
from imusic_ros.qos import SAMPLES  # noqa: E402

pytestmark = pytest.mark.ros

LIMIT_S = 180.0
COMMAND = [sys.executable, "-m", "imusic_cli", "record"]


@pytest.fixture(scope="module")
def faces() -> Iterator[str]:
    """Somebody's faces at 100 Hz; the namespace."""
    rclpy.init()
    node = rclpy.create_node("stream")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    publisher = node.create_publisher(FaceBlendshapes, "/ana/face/blendshapes", SAMPLES)
    numbers = iter(range(1, 1 << 30))
    node.create_timer(0.01, lambda: publisher.publish(FaceBlendshapes(sequence=next(numbers))))
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin)
    thread.start()
    yield "ana"
    ended.set()
    thread.join(LIMIT_S)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown()


def count(folder: Path) -> int:
    (file,) = folder.glob("*.mcap")
    with file.open("rb") as opened:
        return int(reader.make_reader(opened, validate_crcs=True).get_summary().statistics.message_count)


def test_a_recording_of_given_length_is_kept_and_told(faces: str, tmp_path: Path) -> None:
    options = ["--namespace", faces, "--name", "big smile", "--duration", "1", "--output", str(tmp_path)]
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.iterdir()
    assert folder.name.endswith("_big_smile")
    assert f"Recorded {folder}" in done.stderr
    assert f"imusic replay {folder}" in done.stderr
    assert "imusic takes" in done.stderr
    assert (folder / "metadata.yaml").is_file()
    assert count(folder) > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_the_bag_is_whole(faces: str, tmp_path: Path, number: signal.Signals) -> None:
    command = [*COMMAND, "--namespace", faces, "--output", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Recording to"):
            break
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(LIMIT_S) == 0, rest
    assert "Recorded " in rest
    (folder,) = tmp_path.iterdir()
    assert (folder / "metadata.yaml").is_file()
    assert not (folder / ".recording").exists()


def test_ctrl_c_before_it_records_is_told_and_no_success(faces: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(RecorderClient, "__enter__", lambda self: self)
    monkeypatch.setattr(RecorderClient, "__exit__", lambda *_: None)
    monkeypatch.setattr(RecorderClient, "wait_for_faces", interrupted)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(CommandError, match="nothing was recorded"):
            record([faces])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class Followed:
    """A client whose recorder tells nothing more."""

    silent_s = 0.0
    status = None

    def __init__(self, gone: bool) -> None:
        self.gone = gone

    def wait(self, _seconds: float) -> None:
        return None

    def wait_for_successor(self, _seconds: float, _given_up: Any) -> str:
        return ""


@pytest.mark.parametrize(("gone", "ended"), [(True, False), (False, True)])
def test_a_recorder_that_went_away_is_told_at_once_with_the_folder(gone: bool, ended: bool) -> None:
    client: Any = Followed(gone)
    with pytest.raises(CommandError, match=r"its process ended; .* is in /takes/smiles; .*--mend"):
        _follow(client, threading.Event(), 0.0, "/takes/smiles", lambda: ended)


class Resumed:
    """A client whose recorder is killed after 2 s and records on for as long as it is asked to."""

    silent_s = 0.0

    def __init__(self) -> None:
        self.gone = False
        self.status = RecordingStatus(state=RecordingStatus.STATE_RECORDING, path="/takes/a")

    def wait(self, _seconds: float) -> RecordingStatus:
        self.status.duration += 0.5
        self.gone = self.status.path == "/takes/a" and self.status.duration >= 2.0
        return self.status

    def wait_for_successor(self, _seconds: float, _given_up: Any) -> str:
        self.status = RecordingStatus(state=RecordingStatus.STATE_RECORDING, path="/takes/b")
        self.gone = False
        return "/takes/b"


def test_a_recording_that_is_resumed_is_followed_until_the_whole_time_is_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client: Any = Resumed()
    assert _follow(client, threading.Event(), 5.0, "/takes/a", lambda: False) == ("/takes/b", 2.0)
    assert client.status.duration == 3.0
    assert "records on to /takes/b; what it wrote before is in /takes/a" in capsys.readouterr().err.replace("\n", " ")


def test_who_takes_the_place_of_a_killed_recorder_is_known_by_what_it_continues() -> None:
    client = RecorderClient("/ana")
    client._path = "/takes/a"
    client._spin = lambda _seconds, done: done()  # type: ignore[method-assign]
    client._on_status(RecordingStatus(path="/takes/other", continues="/takes/of another"))
    assert client.wait_for_successor(1.0, lambda: False) == ""
    client._on_status(RecordingStatus(path="/takes/b", continues="/takes/a"))
    assert client.wait_for_successor(1.0, lambda: False) == "/takes/b"
    client._on_status(RecordingStatus(path="/takes/b", continues="/takes/a", duration=2.0))
    assert client.status is not None
    assert client.status.duration == 2.0


def test_a_recording_that_others_ended_before_its_time_is_no_success() -> None:
    status = RecordingStatus(state=RecordingStatus.STATE_IDLE, duration=8.8)
    assert "of 22 s, found that it was ended from elsewhere" in _too_short(status, 22.0, "/takes/smiles")
    assert not _too_short(status, 8.0, "/takes/smiles")
    assert not _too_short(status, 0.0, "/takes/smiles")
    assert not _too_short(None, 8.0, "/takes/smiles")


def test_a_recorder_that_was_started_again_is_not_the_one_that_recorded() -> None:
    client = RecorderClient("/ana")
    publisher = SimpleNamespace(node_name="recorder", endpoint_gid=[1, 2])
    other = SimpleNamespace(node_name="recorder_77", endpoint_gid=[3, 4])
    found = [publisher, other]
    node: Any = SimpleNamespace(
        get_publishers_info_by_topic=lambda _: found, resolve_topic_name=lambda name: f"/ana/{name}"
    )
    client._node, client._name = node, "recorder"
    found.remove(publisher)
    assert not client.gone, "who is not found yet has not gone"
    found.append(publisher)
    assert not client.gone
    found.remove(other)
    assert not client.gone
    found.append(SimpleNamespace(node_name="recorder", endpoint_gid=[5, 6]))
    assert client.gone
    client._gids = set()  # it is followed from now on
    assert not client.gone
    found.remove(publisher)  # forgotten at last
    assert not client.gone
    found.clear()
    assert client.gone


def test_nothing_to_record_is_told_in_one_line_with_the_cure(tmp_path: Path) -> None:
    options = ["--namespace", "nobody", "--output", str(tmp_path / "takes")]
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 1
    assert "imusic: expected a face to record in /nobody" in done.stderr
    assert "start `imusic capture`" in done.stderr
    assert not (tmp_path / "takes").exists()


def test_an_impossible_namespace_is_refused() -> None:
    done = subprocess.run([*COMMAND, "--namespace", "no good"], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 2
    assert "expected letters" in done.stderr


def test_the_line_tells_time_size_rate_loss_and_disk() -> None:
    status = RecordingStatus(duration=75.4, bytes=3 << 20, lost=2, disk_time_left=600.0, faces_rate=99.6)
    assert progress_line(status) == "1:15   3.0 MB   100 faces/s   2 lost   the disk lasts 10 min"
    status.disk_time_left = float("inf")
    assert progress_line(status) == "1:15   3.0 MB   100 faces/s   2 lost"
    status.samples_without_face = 78
    assert progress_line(status) == "1:15   3.0 MB   100 faces/s   2 lost   78 without a face"
