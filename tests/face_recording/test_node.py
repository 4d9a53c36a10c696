"""The recorder with publishers of two wearers, in one process, on real ROS 2."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy: source a ROS 2 setup file or use `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")
reader = pytest.importorskip("mcap.reader", reason="recordings need mcap: pip install mcap")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from imusic.msg import (  # noqa: E402
    ActionUnits,
    Explanation,
    Expression,
    FaceBlendshapes,
    FacialEvent,
    FusedShares,
    HubBytes,
    ImuFrame,
    RecordingStatus,
    SensorLayout,
    Snapshot,
    Tap,
)
from imusic.srv import StartRecording  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from rclpy.serialization import deserialize_message  # noqa: E402
from std_srvs.srv import Trigger  # noqa: E402

from face_recording.bag_reader import Bag  # noqa: E402
from face_recording.node import RecorderNode  # noqa: E402
from face_recording.take_sheet import TakeSheet, read_sheet  # noqa: E402
from imusic_ros.executor import make_executor  # noqa: E402
from imusic_ros.qos import LATCHED, SENSOR_DATA  # noqa: E402

pytestmark = pytest.mark.ros

SUCCESS = TransitionCallbackReturn.SUCCESS
RELIABLE = QoSProfile(depth=2000)
SNAPSHOTS = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
LIMIT_S = 120.0
PERIOD_S = 0.01


class Wearer:
    """What driver and inference of one wearer publish."""

    def __init__(self, node: Any, place: str) -> None:
        self.bytes = node.create_publisher(HubBytes, f"{place}/imu/bytes", RELIABLE)
        self.frames = node.create_publisher(ImuFrame, f"{place}/imu/frame", SENSOR_DATA)
        self.faces = node.create_publisher(FaceBlendshapes, f"{place}/face/blendshapes", SENSOR_DATA)
        self.layouts = node.create_publisher(SensorLayout, f"{place}/imu/layout", LATCHED)
        self.snapshots = node.create_publisher(Snapshot, f"{place}/face/snapshot", SNAPSHOTS)
        self.layouts.publish(SensorLayout(name="face_12"))
        self._wearer, self._listeners = place.strip("/"), 0
        self.snapshots.publish(Snapshot(wearer="who wore it before"))  # latched: for an earlier recording
        self.sequence, self.publish_snapshots = 0, True

    def publish(self) -> None:
        self.sequence += 1
        listeners = self.snapshots.get_subscription_count()
        if self.publish_snapshots and listeners > self._listeners:  # whoever subscribes gets a new one
            self.snapshots.publish(Snapshot(model="imusic 9", model_hash="ab", engine="none", wearer=self._wearer))
        self._listeners = listeners
        self.bytes.publish(HubBytes(number=self.sequence, data=[1, 2, 3]))
        self.frames.publish(ImuFrame(sequence=self.sequence, status=[1] * 12))
        self.faces.publish(FaceBlendshapes(sequence=self.sequence))


class Graph:
    """The node, whoever talks to it, and an executor for both."""

    def __init__(self, takes: Path, *places: str) -> None:
        self.takes = takes
        self._published_s = 0.0
        self.node = RecorderNode()
        self.set(takes=str(takes), disk_reserve_mb=0, namespaces=list(places) or [""])
        self.other = rclpy.create_node("onlooker")
        self.executor, _ = make_executor()
        self.executor.add_node(self.node)
        self.executor.add_node(self.other)
        self.told: list[RecordingStatus] = []
        self.health: list[DiagnosticStatus] = []
        self.other.create_subscription(RecordingStatus, "recording/status", self.told.append, LATCHED)
        self.other.create_subscription(DiagnosticArray, "/diagnostics", lambda m: self.health.extend(m.status), 10)
        self.starter = self.other.create_client(StartRecording, "recorder/start")
        self.stopper = self.other.create_client(Trigger, "recorder/stop")

    def set(self, **values: Any) -> None:
        results = self.node.set_parameters([Parameter(key, value=value) for key, value in values.items()])
        assert all(result.successful for result in results)

    def activate(self) -> None:
        assert self.node.trigger_configure() == SUCCESS
        assert self.node.trigger_activate() == SUCCESS

    def until(self, done: Callable[[], Any], what: str, *publishing: Wearer) -> Any:
        end_s = time.monotonic() + LIMIT_S
        while not (found := done()):
            assert time.monotonic() < end_s, f"no {what} within {LIMIT_S} s"
            if time.monotonic() - self._published_s > PERIOD_S:  # no faster than they are delivered
                self._published_s = time.monotonic()
                for wearer in publishing:
                    wearer.publish()
            self.executor.spin_once(timeout_sec=PERIOD_S)
        return found

    def start(self, name: str = "", wearer: str = "", notes: str = "") -> StartRecording.Response:
        assert self.starter.wait_for_service(LIMIT_S)
        future = self.starter.call_async(StartRecording.Request(name=name, wearer=wearer, notes=notes))
        return self.until(lambda: future.done() and future.result(), "answer")

    def stop(self) -> Trigger.Response:
        assert self.stopper.wait_for_service(LIMIT_S)
        future = self.stopper.call_async(Trigger.Request())
        return self.until(lambda: future.done() and future.result(), "answer")

    def came(self, name: str) -> int:
        take = self.node._take
        assert take is not None, self.told[-1:]
        count = take.recording.topics.get(name)
        return 0 if count is None else count.messages

    def until_published(self, *topics: str) -> None:
        self.until(lambda: all(self.node.count_publishers(topic) for topic in topics), "publishers")

    def close(self) -> None:
        self.node.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.other.destroy_node()


@pytest.fixture
def graphs(tmp_path: Path) -> Iterator[Callable[..., Graph]]:
    rclpy.init()
    made: list[Graph] = []

    def make(*places: str) -> Graph:
        made.append(Graph(tmp_path / "takes", *places))
        return made[-1]

    yield make
    for graph in made:
        graph.close()
    rclpy.try_shutdown()


def messages(folder: Path | str) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for path in sorted(Path(folder).glob("*.mcap")):
        with path.open("rb") as file:
            for _, channel, message in reader.make_reader(file, validate_crcs=True).iter_messages():
                found.setdefault(channel.topic, []).append(message.data)
    return found


def began_with(folder: Path | str, *topics: str) -> str:
    """Which of some topics a bag has first."""
    with Bag(Path(folder)) as bag:
        return str(next(iter(bag.messages(topics))).topic)


def sheet_of(folder: Path | str) -> TakeSheet:
    sheet = read_sheet(Path(folder))
    assert sheet is not None
    return sheet


def test_two_wearers_are_recorded_into_one_bag(graphs: Callable[..., Graph]) -> None:
    graph = graphs("/ana", "/bob")
    ana, bob = Wearer(graph.other, "/ana"), Wearer(graph.other, "/bob")
    graph.activate()
    graph.until_published("/ana/imu/frame", "/bob/imu/frame")
    began = graph.start("Grüße/..", notes="two\nlines")
    assert began.success, began.message
    assert Path(began.path).name.endswith("_Grüße")
    wanted = [f"/{who}/{topic}" for who in ("ana", "bob") for topic in ("imu/bytes", "imu/frame", "face/blendshapes")]
    latched = [f"/{who}/{topic}" for who in ("ana", "bob") for topic in ("imu/layout", "face/snapshot")]
    graph.until(lambda: all(graph.came(topic) >= 20 for topic in wanted), "messages", ana, bob)
    graph.until(lambda: all(graph.came(topic) for topic in latched), "latched messages", ana, bob)
    again = graph.start()
    assert not again.success
    assert "stop it first" in again.message
    assert graph.stop().success
    found = messages(began.path)
    assert set(wanted) | set(latched) <= set(found)
    for topic in wanted:
        assert len(found[topic]) >= 20
    for who in ("ana", "bob"):  # what a replay can compute from the first face on
        assert began_with(began.path, f"/{who}/face/snapshot", f"/{who}/face/blendshapes") == f"/{who}/face/snapshot"
    numbers = [deserialize_message(data, HubBytes).number for data in found["/ana/imu/bytes"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert deserialize_message(found["/bob/imu/layout"][0], SensorLayout).name == "face_12"
    assert [deserialize_message(data, Snapshot).wearer for data in found["/bob/face/snapshot"]] == ["bob"]
    sheet = sheet_of(began.path)
    assert (sheet.name, sheet.notes, sheet.model, sheet.model_hash) == ("Grüße/..", "two\nlines", "imusic 9", "ab")
    assert sheet.other["namespaces"] == ["/ana", "/bob"]
    assert sheet.other["state"] == "finished"
    assert sheet.other["messages"]["/ana/imu/bytes"] == len(numbers)
    assert len(sheet.code_hash) == 64
    assert not graph.stop().success


def test_what_companions_make_of_a_face_is_recorded(graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    wearer = Wearer(graph.other, "")
    made = {
        "face/action_units": (ActionUnits(sequence=7), SENSOR_DATA),
        "face/expression": (Expression(expression="happiness"), SENSOR_DATA),
        "face/events": (FacialEvent(kind=FacialEvent.KIND_BLINK), RELIABLE),
        "face/explanation": (Explanation(text="Seen: nothing."), RELIABLE),
        "face/tap": (Tap(sensor="chin"), RELIABLE),
        "face/fused_shares": (FusedShares(sources=["phone"]), SENSOR_DATA),
    }
    publishers = {name: graph.other.create_publisher(type(m), name, qos) for name, (m, qos) in made.items()}
    fused = graph.other.create_publisher(FaceBlendshapes, "face/fused", RELIABLE)
    graph.activate()
    graph.until_published("/imu/frame", "/face/fused", *(f"/{name}" for name in made))
    began = graph.start()

    def came() -> bool:
        for name, (message, _) in made.items():
            publishers[name].publish(message)
        fused.publish(FaceBlendshapes(sequence=5 * wearer.sequence))
        return all(graph.came(f"/{name}") for name in made) and graph.came("/face/fused") > 3

    graph.until(came, "messages", wearer)
    graph.stop()
    found = messages(began.path)
    for name, (message, _) in made.items():
        assert deserialize_message(found[f"/{name}"][0], type(message)) == message
    # A camera's faces have numbers, too: none of a sample, and nothing is lost where they leap.
    assert "/face/fused" not in sheet_of(began.path).other["lost"]
    assert sheet_of(began.path).other["samples_without_face"] <= wearer.sequence
    with Bag(Path(began.path)) as bag:
        assert {"face/tap", "face/fused", "face/action_units"} <= set(bag.of_wearer(""))


def test_faces_of_who_publishes_no_snapshots_are_recorded_all_the_same(graphs: Callable[..., Graph]) -> None:
    graph = graphs("/ana")
    ana = Wearer(graph.other, "/ana")
    graph.activate()
    graph.until_published("/ana/imu/frame", "/ana/face/blendshapes")
    ana.publish_snapshots = False
    assert graph.start().success
    graph.until(lambda: graph.came("/ana/face/blendshapes"), "faces", ana)
    assert not graph.came("/ana/face/snapshot")
    assert graph.stop().success


def test_nothing_to_record_is_told_with_the_cure(graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    graph.activate()
    answer = graph.start()
    assert not answer.success
    assert "start `imusic capture`" in answer.message
    assert not graph.takes.exists() or not list(graph.takes.iterdir())
    stopped = graph.stop()
    assert not stopped.success
    assert "nothing is being recorded" in stopped.message


@pytest.mark.parametrize("name", ["x" * 300, "../../etc/passwd", "\n\t", ""])
def test_any_name_is_kept(name: str, graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    Wearer(graph.other, "")
    graph.activate()
    graph.until_published("/imu/frame")
    began = graph.start(name)
    assert began.success, began.message
    assert Path(began.path).parent == graph.takes
    assert graph.stop().success
    assert sheet_of(began.path).name == name.strip()[:200]


def test_a_place_that_cannot_be_written_is_told(graphs: Callable[..., Graph], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    graph = graphs()
    Wearer(graph.other, "")
    graph.set(takes=str(tmp_path / "file" / "takes"))
    graph.activate()
    graph.until_published("/imu/frame")
    answer = graph.start()
    assert not answer.success
    assert "name another" in answer.message
    graph.set(disk_warning_min=5.0)  # it lives on


def test_too_little_room_is_told_before_anything_is_made(graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    Wearer(graph.other, "")
    graph.set(disk_reserve_mb=10_000_000)
    graph.activate()
    graph.until_published("/imu/frame")
    answer = graph.start()
    assert not answer.success
    assert "make room" in answer.message
    assert not graph.takes.exists()


def test_it_records_by_itself_as_soon_as_somebody_publishes_and_tells_of_it(graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    graph.set(record=True, take="first")
    graph.activate()
    graph.until(lambda: graph.told, "status")
    assert graph.told[-1].state == RecordingStatus.STATE_IDLE
    wearer = Wearer(graph.other, "")
    graph.until(lambda: graph.told[-1].messages > 20, "recording", wearer)
    status = graph.told[-1]
    assert status.state == RecordingStatus.STATE_RECORDING
    assert status.path.endswith("_first")
    graph.until(lambda: graph.told[-1].faces_rate > 0.0, "rate of faces", wearer)
    graph.until(lambda: any("disk_left_min" in {v.key for v in h.values} for h in graph.health), "health", wearer)
    graph.until(lambda: "no frames and no faces arrive" in graph.told[-1].message, "word that nothing arrives")
    graph.node.close()
    assert messages(status.path)["/imu/frame"]
    assert sheet_of(status.path).other["state"] == "finished"


def test_what_is_missing_is_told(graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    wearer = Wearer(graph.other, "")
    graph.activate()
    graph.until_published("/imu/frame")
    assert graph.start().success
    graph.until(lambda: graph.came("/imu/bytes"), "bytes", wearer)
    wearer.sequence += 5
    graph.until(lambda: graph.told[-1].lost >= 5, "word of what is lost", wearer)
    assert "messages are missing" in graph.told[-1].message
    warned = DiagnosticStatus.WARN
    graph.until(lambda: any("missing" in h.message and h.level == warned for h in graph.health), "warning", wearer)


def test_a_full_disk_ends_the_recording_and_not_the_node(
    graphs: Callable[..., Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graphs()
    wearer = Wearer(graph.other, "")
    graph.activate()
    graph.until_published("/imu/frame")
    began = graph.start()
    graph.until(lambda: graph.came("/imu/frame") > 5, "frames", wearer)
    take = graph.node._take
    assert take is not None
    monkeypatch.setattr(take.recording, "_free_bytes", lambda _: 0)
    graph.until(lambda: graph.told[-1].state == RecordingStatus.STATE_FAILED, "end", wearer)
    assert "kept free" in graph.told[-1].message
    assert len(messages(began.path)["/imu/frame"]) > 5
    assert sheet_of(began.path).other["state"] == "cut off"
    again = graph.start()
    assert again.success, again.message


def test_a_recording_that_was_cut_off_is_mended_at_the_next_start(graphs: Callable[..., Graph]) -> None:
    from face_recording.repair import is_unfinished
    from small_bags import write_bag

    graph = graphs()
    write_bag(graph.takes / "old", 25).abandon()
    assert is_unfinished(graph.takes / "old")
    graph.activate()
    for thread in threading.enumerate():
        if thread.name == "mending":
            thread.join(LIMIT_S)
    assert not is_unfinished(graph.takes / "old")


@pytest.mark.parametrize(("field", "value"), [("namespaces", ["no good"]), ("topics", [""])])
def test_what_cannot_be_recorded_is_refused(field: str, value: list[str], graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    graph.set(**{field: value})
    assert graph.node.trigger_configure() == TransitionCallbackReturn.FAILURE


def test_topics_of_others_are_recorded_with_the_type_that_they_have(graphs: Callable[..., Graph]) -> None:
    from std_msgs.msg import String

    graph = graphs()
    wearer = Wearer(graph.other, "")
    graph.set(topics=["imu/frame", "/robot/words", "/nobody/publishes"])
    words = graph.other.create_publisher(String, "/robot/words", LATCHED)
    words.publish(String(data="hello"))
    graph.activate()
    graph.until_published("/imu/frame", "/robot/words")
    began = graph.start()
    graph.until(lambda: graph.came("/robot/words") and graph.came("/imu/frame"), "words", wearer)
    graph.stop()
    found = messages(began.path)
    assert set(found) == {"/imu/frame", "/robot/words"}
    assert deserialize_message(found["/robot/words"][0], String).data == "hello"


def cut_off_take(graph: Graph, wearer: Wearer) -> Path:
    """Record a while, and leave the take as a recorder does that is killed: marked, its sheet as it was."""
    assert graph.start(name="smiles", wearer="Ana", notes="first try").success
    graph.until(lambda: graph.came("/imu/bytes") > 20, "bytes", wearer)
    take = graph.node._take
    assert take is not None
    before = (take.folder / "take.yaml").read_bytes()
    assert graph.stop().success
    (take.folder / "take.yaml").write_bytes(before)
    (take.folder / ".recording").touch()
    return take.folder


@pytest.mark.parametrize("resume", [True, False])
def test_a_recorder_in_the_place_of_a_killed_one_records_on(resume: bool, graphs: Callable[..., Graph]) -> None:
    graph = graphs()
    wearer = Wearer(graph.other, "")
    graph.activate()
    graph.until_published("/imu/frame")
    first = cut_off_take(graph, wearer)
    assert graph.node.trigger_deactivate() == SUCCESS
    assert graph.node.trigger_cleanup() == SUCCESS
    graph.set(resume=resume)
    graph.told.clear()
    graph.activate()
    if not resume:
        graph.until(lambda: graph.told, "status", wearer)
        assert graph.node._waiting is None
        return
    graph.until(lambda: graph.told and graph.told[-1].continues and graph.told[-1].messages > 20, "recording", wearer)
    status = graph.told[-1]
    assert (status.state, status.continues) == (RecordingStatus.STATE_RECORDING, str(first))
    assert status.path != str(first)
    assert graph.stop().success
    sheet = sheet_of(status.path)
    assert (sheet.name, sheet.wearer, sheet.notes) == ("smiles", "Ana", "first try")
    assert sheet.other["continues"] == first.name
    graph.told.clear()
    assert graph.node.trigger_deactivate() == SUCCESS
    assert graph.node.trigger_cleanup() == SUCCESS
    graph.activate()
    graph.until(lambda: graph.told, "status", wearer)
    assert graph.node._waiting is None, "who ended in order does not record on"
