"""Frames, faces and snapshots of a node as somebody recorded them, and another node that replays them bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.ros
rclpy = pytest.importorskip("rclpy", reason="needs ROS 2: run `make test`")
pytest.importorskip("imusic.msg", reason="needs the built package: run `make test`")

from imusic.msg import FaceBlendshapes, ImuFrame, Snapshot  # noqa: E402
from imusic.srv import CalibrateNeutral, RestoreSnapshot  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from tests.face_inference.test_node import Rig  # noqa: E402

from face_inference.snapshot import missed_by_inference  # noqa: E402
from imusic_ros.qos import REPLAYED, SNAPSHOTS  # noqa: E402


def content(face):
    q = face.head_orientation
    return (
        face.sequence, face.state, face.weights.tobytes(), face.confidence.tobytes(), (q.x, q.y, q.z, q.w),
        face.header.stamp.sec, face.header.stamp.nanosec,
    )  # fmt: skip


class Player(Rig):
    """The node in a replay, and somebody who plays: frames go out in bulk, reliably."""

    def __init__(self, model, recording):
        super().__init__(model, recording)
        self.driver.destroy_publisher(self.frame_pub)
        self.frame_pub = self.driver.create_publisher(ImuFrame, "imu/frame", REPLAYED)
        self.heard = []
        self.driver.create_subscription(FaceBlendshapes, "face/blendshapes", self.heard.append, REPLAYED)
        self.restore_client = self.driver.create_client(RestoreSnapshot, "face_inference/restore")
        self.node.set_parameters([Parameter("replay", value=True)])

    def begin(self):
        self.node.trigger_configure()
        self.node.trigger_activate()
        self.until(self.restore_client.service_is_ready)
        self.until(lambda: self.frame_pub.get_subscription_count() == 1)
        self.until(lambda: self.driver.count_publishers("face/blendshapes") == 1)

    def restore(self, snapshot):
        future = self.restore_client.call_async(RestoreSnapshot.Request(snapshot=snapshot))
        self.until(future.done)
        return future.result()

    def feed(self, frames):
        self.heard.clear()
        for frame in frames:
            self.frame_pub.publish(frame)
        self.until(lambda: len(self.heard) >= len(frames))
        return [content(face) for face in self.heard]


def copied(message):
    from rclpy.serialization import deserialize_message, serialize_message

    return deserialize_message(serialize_message(message), type(message))


@pytest.fixture
def recorded_session(trained, recorded, tmp_path, monkeypatch):
    """Frames, snapshots and faces of a node in which much happens that its frames do not tell."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    take = recorded(seed=5, seconds=6.0, still_s=3.0)
    rig = Rig(trained["model"].path, take)
    frames, snapshots = {}, []
    send = rig.frame_pub.publish
    rig.frame_pub.publish = lambda message: (frames.setdefault(message.sequence, copied(message)), send(message))
    try:
        rig.start()
        rig.play(0, 20)
        served = rig.node._served[0]
        rig.driver.create_subscription(Snapshot, "face/snapshot", snapshots.append, SNAPSHOTS)
        rig.until(lambda: snapshots)
        assert snapshots[0].after == 19, "at once, within the calibration"
        rig.play(20, 100)
        assert served.tracker.neutral is not None
        rig.client.call_async(CalibrateNeutral.Request(duration=0.5))
        rig.until(lambda: served.neutral.running)
        rig.play(100, 160)
        served.tracker.wearer = served.tracker.wearer.__class__(
            1.1 * served.tracker.wearer.mean, served.tracker.wearer.uncertainty, "prompts"
        )
        rig.play(160, 200)
        rig.node.set_parameters([Parameter("still_face_rad_s", value=0.2)])
        rig.until(lambda: served.tracker.params.calibration.max_face_rate_rad_s == 0.2)
        rig.play(200, 230)
        # These only the recorder receives.
        heard, rig.frame_pub.publish = rig.frame_pub.publish, lambda m: frames.setdefault(m.sequence, copied(m))
        for i in range(230, 234):
            rig.send(i)
        rig.frame_pub.publish = heard
        rig.play(234, 300)
        rig.until(lambda: any(face.sequence == 299 for face in rig.faces))
        rig.until(lambda: snapshots[-1].after >= 234)
        faces = {face.sequence: content(face) for face in reversed(rig.faces) if face.state != 3}
    finally:
        rig.close()
    return take, [frames[i] for i in sorted(frames)], snapshots, faces


def test_a_replay_from_any_snapshot_gives_the_published_faces(trained, recorded_session):
    take, frames, snapshots, faces = recorded_session
    assert len(snapshots) >= 6
    assert [missed_by_inference(bytes(s.data)).tolist() for s in snapshots][-1] == [[230, 233]]
    runs = np.concatenate([missed_by_inference(bytes(s.data)) for s in snapshots])
    missed = {n for first, last in runs for n in range(first, last + 1)}
    player = Player(trained["model"].path, take)
    try:
        player.begin()
        for start in range(len(snapshots)):
            ends = [*[s.after for s in snapshots[start + 1 :]], frames[-1].sequence]
            told = []
            for snapshot, end in zip(snapshots[start:], ends, strict=True):
                answer = player.restore(snapshot)
                assert answer.success
                assert answer.message == ""
                part = [f for f in frames if snapshot.after < f.sequence <= end and f.sequence not in missed]
                told += player.feed(part)
            assert told == [faces[n] for n in sorted(faces) if n > snapshots[start].after]
        assert player.node.health().level in (0, 1)
        player.until(lambda: player.node._served[0].tracker.newest_sequence == 299)
        assert all(face.age == 0.0 for face in player.heard)
    finally:
        player.close()


def test_a_replay_waits_for_the_layout_and_refuses_what_is_no_snapshot_of_it(trained, recorded_session):
    take, frames, snapshots, faces = recorded_session
    player = Player(trained["model"].path, take)
    try:
        player.begin()
        for frame in frames[:20]:
            player.frame_pub.publish(frame)
        player.until(lambda: len(player.node._served[0]._waiting) == 20)
        player.publish_layout()
        player.until(lambda: len(player.heard) == 20)
        assert [content(face) for face in player.heard] == [faces[n] for n in range(20)]
        before = player.node._served[0].tracker.saved_state()
        for field, value in (("kind", "other"), ("model_hash", "0"), ("data", [1, 2, 3]), ("data", [])):
            wrong = copied(snapshots[0])
            setattr(wrong, field, value)
            answer = player.restore(wrong)
            assert not answer.success
            assert "expected" in answer.message
        after = player.node._served[0].tracker.saved_state()
        for name, array in before.items():
            np.testing.assert_array_equal(array, after[name])
        other = copied(snapshots[0])
        other.engine = "something else"
        assert "may differ" in player.restore(other).message
    finally:
        player.close()


def test_without_a_subscriber_nothing_is_made(trained, recorded, monkeypatch):
    made = []
    monkeypatch.setattr("face_inference.wearer_snapshots.snapshot_of", lambda tracker: made.append(tracker) or b"")
    rig = Rig(trained["model"].path, recorded(seed=5, seconds=2.0))
    try:
        rig.start()
        rig.play(0, 40)
        assert not made
        offered = [name for name, _ in rig.driver.get_service_names_and_types()]
        assert not any(name.endswith("/restore") for name in offered), "who captures cannot be told what to go on from"
    finally:
        rig.close()
