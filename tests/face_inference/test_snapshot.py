"""Saved, restored, gone on with: bit for bit what a run without a break gives, wherever it is cut."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from face_evaluation.takes import layout_of, samples_of
from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.batch import FaceBatch
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.engines.onnx_runtime_gpu import OnnxRuntimeGpuEngine
from face_inference.model_folder import load_model
from face_inference.neutral_calibration import CalibrationParams
from face_inference.snapshot import KIND, check_origin, missed_by_inference, restore_snapshot, snapshot_of
from face_inference.tracker import FaceTracker
from face_inference.tracker_params import TrackerParams
from face_inference.wearer import knowledge as tracker_module
from face_inference.wearer import wear_learning, wear_rounds, worn
from face_inference.wearer.prior import WearerJacobian
from face_model import rotation
from face_model.errors import SnapshotError
from face_model.imu_sample import STATUS_GYRO_SATURATED
from face_model.saved_arrays import packed, unpacked

PARAMS = TrackerParams(calibration=CalibrationParams(duration_s=0.5, patience_s=1.5))
RATES_HZ = (100.0, 60.0, 73.0, 200.0)
EVENTS = (
    "missing", "loss", "gap", "saturated", "leap", "restart", "late", "neutral", "wearer", "routine", "params",
    "not_finite", "align", "align_wrongly", "forget_alignment",
)  # fmt: skip


@cache
def take(rate_hz, still_s):
    from tests.synthetic_takes import make_recording

    return make_recording(seed=3, seconds=5.0, rate_hz=rate_hz, still_s=still_s)


def samples_with(recording, events):
    """Samples of a take, each with what happens just before it: (what, sample)."""
    samples = list(samples_of(recording))
    happening = {}
    out = []
    skip_until = -1
    for i, sample in enumerate(samples):
        what = [event for at, event in events if at == i]
        for event in what:
            if event == "missing":
                happening[event] = i + 40
            elif event == "loss":
                skip_until = i + 3
            elif event == "gap":
                skip_until = i + round(0.4 * recording.rate_hz)
            elif event == "leap":
                orientation = sample.orientation.copy()
                orientation[2] = [1.0, 0.0, 0.0, 0.0]
                sample = replace(sample, orientation=orientation)
            elif event == "saturated":
                status = sample.status.copy()
                status[1] |= STATUS_GYRO_SATURATED
                sample = replace(sample, status=status)
            elif event == "not_finite":
                rates = sample.angular_velocity.copy()
                rates[3] = np.nan
                sample = replace(sample, angular_velocity=rates)
        if i < skip_until:
            continue
        if happening.get("missing", -1) > i:
            status = sample.status.copy()
            status[4] = 0
            sample = replace(sample, status=status)
        boots = sum(event == "restart" and at <= i for at, event in events)
        since = max((at for at, event in events if event == "restart" and at <= i), default=0)
        if boots:
            sample = replace(sample, sequence=i - since, hub_time_s=(i - since) / recording.rate_hz)
        out.append((what, sample))
        if "late" in what:
            out.append(([], sample))
    return out


def alignment_of(neutral, tilt_rad):
    """Mountings that are turned, and tilted by so much, with the neutral that was learned with them."""
    about = np.random.default_rng(5).normal(0.0, 0.5 * tilt_rad, (len(neutral.mount), 3))
    about[:, 2] = np.linspace(-0.2, 0.3, len(about))
    mount = rotation.multiply(rotation.from_vector(about), neutral.mount)
    count = len(mount)
    alignment = SensorAlignment(mount, np.ones(count, bool), np.full(count, 0.03), np.full(count, 0.05))
    return alignment, neutral.mounted(mount, 0, alignment.turn_deviation_rad)


def do(tracker, what):
    prior = tracker._worn._description.prior
    if "neutral" in what:
        tracker.start_calibration(0.4)
    if "routine" in what and tracker.neutral is not None:
        tracker.start_routine()  # no part of a snapshot: nothing depends on it before its end, which sets the wearer
    if "wearer" in what:
        known = prior.unknown_wearer
        tracker.wearer = WearerJacobian(
            (1.3 * known.mean).astype(np.float32), (0.5 * known.uncertainty).astype(np.float32), "prompts"
        )
    if ("align" in what or "align_wrongly" in what) and tracker.neutral is not None:
        # Wrongly: gravity will say at the next neutral that the boards were glued on anew.
        tracker.align(*alignment_of(tracker.neutral, 0.5 if "align_wrongly" in what else 0.0))
    if "forget_alignment" in what:
        tracker.forget_alignment()
    if "learn" in what:
        tracker.learn_while_worn = True
    if "forget" in what:
        tracker.forget_worn()
    if "params" in what:
        tracker.use_params(replace(PARAMS, fade_s=0.3, calibration=replace(PARAMS.calibration, duration_s=0.3)))


def run(batch, part, faces):
    """The bytes of all that is published of `faces`, which all get the same samples."""
    published = []
    for what, sample in part:
        for face in faces:
            do(batch.trackers[face], what)
        for face, estimate in batch.update([(face, sample) for face in faces], sample.hub_time_s):
            published.append((
                face, estimate.sequence, int(estimate.state), estimate.weights.tobytes(),
                estimate.confidence.tobytes(), estimate.head_orientation.tobytes(),
            ))  # fmt: skip
    return published


def batch_of(model, make_engine, faces=1, layout=None):
    engine = make_engine(model, faces)
    trackers = [FaceTracker(model.description, engine, PARAMS, face) for face in range(faces)]
    if layout is not None:
        for tracker in trackers:
            tracker.set_layout(layout)
    return FaceBatch(engine, trackers)


def carried(model, faces):
    return OnnxRuntimeGpuEngine(model, faces, "CPUExecutionProvider")


def torch_engine(model, faces):
    from face_training.torch_engine import TorchEngine

    return TorchEngine(model, faces)


def check_cut(model, make_engine, recording, events, cut, faces=1):
    samples = samples_with(recording, events)
    cut = min(cut, len(samples) - 1)
    layout, rows = layout_of(recording), range(faces)
    whole = run(batch_of(model, make_engine, faces, layout), samples, rows)
    first = batch_of(model, make_engine, faces, layout)
    before = run(first, samples[:cut], rows)
    snapshots = [snapshot_of(tracker) for tracker in first.trackers]
    # One that is in the midst of something else, without a layout, with other times.
    second = batch_of(model, make_engine, faces)
    run(second, samples_with(take(100.0, 0.2), [(20, "missing")])[:130], rows)
    for tracker, data in zip(second.trackers, snapshots, strict=True):
        restore_snapshot(tracker, data)
        assert packed(tracker.saved_state()) == packed(first.trackers[tracker.face].saved_state())
    assert before + run(second, samples[cut:], rows) == whole


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_run_that_is_cut_anywhere_goes_on_bit_for_bit(trained, data):
    recording = take(data.draw(st.sampled_from(RATES_HZ)), data.draw(st.sampled_from((0.0, 1.2))))
    count = len(recording.valid)
    events = data.draw(st.lists(st.tuples(st.integers(1, count - 1), st.sampled_from(EVENTS)), max_size=4))
    check_cut(trained["model"], OnnxRuntimeEngine, recording, events, data.draw(st.integers(0, count - 1)))


@pytest.mark.parametrize("make_engine", [OnnxRuntimeEngine, carried, torch_engine])
def test_on_every_engine_that_runs_here_and_for_several_faces(trained, make_engine):
    for cut in (30, 120, 333):
        events = [(100, "missing"), (105, "routine"), (110, "wearer"), (200, "neutral"), (331, "loss")]
        check_cut(trained["model"], make_engine, take(100.0, 1.2), events, cut, faces=2)


@pytest.mark.parametrize("cut", [125, 230, 345, 420])
def test_mountings_that_are_known_go_on_bit_for_bit(trained, cut):
    events = [
        (60, "wearer"), (120, "align"), (200, "neutral"), (300, "align_wrongly"), (320, "neutral"),
        (400, "forget_alignment"),
    ]  # fmt: skip
    check_cut(trained["model"], OnnxRuntimeEngine, take(100.0, 0.6), events, cut)


@pytest.fixture
def in_a_hurry(monkeypatch):
    """Learning while worn in seconds instead of minutes."""
    for module in (wear_learning, worn):
        monkeypatch.setattr(module, "LEAST_OBSERVATIONS", 20)
    monkeypatch.setattr(wear_learning, "WITHOUT_LABELS", True)
    monkeypatch.setattr(wear_learning, "LEAST_UNLABELLED", 20)
    monkeypatch.setattr(wear_learning, "WORN_HZ", 50.0)
    for module in (wear_learning, wear_rounds):
        monkeypatch.setattr(module, "FRESH_OBSERVATIONS", 15)
    monkeypatch.setattr(wear_learning, "MOST_OBSERVATIONS", 60)
    monkeypatch.setattr(wear_learning, "STILL_RAD", 0.0)
    monkeypatch.setattr(tracker_module, "CHANGE_S", 0.25)


@pytest.mark.parametrize("cut", [90, 150, 190, 201, 230, 305, 420])
def test_learning_while_worn_goes_on_bit_for_bit(trained, in_a_hurry, cut):
    """Before, in and after a round, and while its result is faded in."""
    events = [(5, "learn"), (140, "missing"), (300, "forget"), (400, "neutral")]
    check_cut(trained["model"], OnnxRuntimeEngine, take(100.0, 0.6), events, cut)


def test_learning_while_worn_changes_faces_and_off_it_changes_none(trained, in_a_hurry):
    recording = take(100.0, 0.6)
    published = []
    for events in ([], [(5, "learn")]):
        batch = batch_of(trained["model"], OnnxRuntimeEngine, layout=layout_of(recording))
        published.append(run(batch, samples_with(recording, events), [0]))
    wear = batch.trackers[0].wear
    assert wear.kept + wear.rejected > 2
    assert wear.kept > 0
    equal = [a == b for a, b in zip(*published, strict=True)]
    assert all(equal[:80])
    assert not all(equal)


def test_a_snapshot_of_before_wear_taught_anything_restores(trained):
    recording = take(100.0, 0.6)
    batch = batch_of(trained["model"], OnnxRuntimeEngine, layout=layout_of(recording))
    samples = samples_with(recording, [])
    run(batch, samples[:150], [0])
    new = unpacked(snapshot_of(batch.trackers[0]))
    old = {n: a for n, a in new.items() if not n.startswith(("tracker.wear.", "tracker.reading."))}
    old |= {n.replace("reading.", ""): a for n, a in new.items() if n.startswith("tracker.reading.wearer.")}
    check_origin("imusic tracker 1", trained["model"].description.digest, trained["model"].description)
    other = batch_of(trained["model"], OnnxRuntimeEngine)
    other.trackers[0].learn_while_worn = True
    restore_snapshot(other.trackers[0], packed(old))
    assert not other.trackers[0].learn_while_worn, "nor was it when this was recorded"
    assert run(other, samples[150:], [0]) == run(batch, samples[150:], [0])


def test_a_snapshot_of_before_mountings_were_turned_restores(trained):
    recording = take(100.0, 0.6)
    batch = batch_of(trained["model"], OnnxRuntimeEngine, layout=layout_of(recording))
    samples = samples_with(recording, [])
    run(batch, samples[:150], [0])
    old = {n: a for n, a in unpacked(snapshot_of(batch.trackers[0])).items() if not n.endswith("heading.turn")}
    check_origin("imusic tracker 2", trained["model"].description.digest, trained["model"].description)
    other = batch_of(trained["model"], OnnxRuntimeEngine)
    restore_snapshot(other.trackers[0], packed(old))
    assert len(run(other, samples[150:], [0])) == len(samples) - 150


def test_a_snapshot_of_before_the_face_told_the_drift_restores(trained):
    recording = take(100.0, 0.6)
    batch = batch_of(trained["model"], OnnxRuntimeEngine, layout=layout_of(recording))
    samples = samples_with(recording, [])
    run(batch, samples[:150], [0])
    check_origin("imusic tracker 3", trained["model"].description.digest, trained["model"].description)
    heading = "tracker.features.heading."
    for states in (3, 2):
        old = {n: a for n, a in unpacked(snapshot_of(batch.trackers[0])).items() if n != heading + "surprise"}
        old[heading + "angle"] = old[heading + "angle"][:states]
        old[heading + "covariance"] = old[heading + "covariance"][: states * (states + 1) // 2]
        sensors = old[heading + "angle"].shape[1]
        old |= {heading + "rested_s": np.array(0.4), heading + "finding": np.zeros(sensors, np.int64)}
        other = batch_of(trained["model"], OnnxRuntimeEngine)
        restore_snapshot(other.trackers[0], packed(old))
        assert len(run(other, samples[150:], [0])) == len(samples) - 150


def test_the_shipped_model_goes_on_bit_for_bit():
    pytest.importorskip("onnxruntime")
    model = load_model("imusic")
    names, rng = model.description.mounts.names, np.random.default_rng(0)
    recording = take(100.0, 1.2)
    # The motion of six sensors on all twelve: what matters here is the state, not the face.
    rows = np.concatenate([[0], rng.integers(1, 6, len(names) - 1)])
    wide = replace(
        recording,
        sensor_names=names,
        orientation=recording.orientation[:, rows],
        angular_velocity=recording.angular_velocity[:, rows],
        specific_force=recording.specific_force[:, rows],
        valid=recording.valid[:, rows],
    )
    for cut in (10, 200):
        check_cut(model, OnnxRuntimeEngine, wide, [(150, "missing")], cut)


def test_what_was_missed_is_told_once(trained):
    recording = take(100.0, 1.2)
    batch = batch_of(trained["model"], OnnxRuntimeEngine, layout=layout_of(recording))
    tracker = batch.trackers[0]
    samples = samples_with(recording, [(50, "loss"), (90, "gap")])
    assert (tracker.changes, tracker.breaks) == (1, 0), "the layout"
    run(batch, samples, [0])
    assert (tracker.changes, tracker.breaks) == (1, 2)
    np.testing.assert_array_equal(missed_by_inference(snapshot_of(tracker)), [[50, 52], [90, 129]])
    tracker.missed.clear()
    assert len(missed_by_inference(snapshot_of(tracker))) == 0


def test_what_was_passed_over_around_a_boot_is_told(trained):
    recording = take(100.0, 1.2)
    batch = batch_of(trained["model"], OnnxRuntimeEngine, layout=layout_of(recording))
    tracker = batch.trackers[0]
    samples = list(samples_of(recording))
    booted = [replace(s, sequence=i, hub_time_s=0.01 * i) for i, s in enumerate(samples)]
    for i, sample in enumerate([*samples[:60], *booted[7:20]]):
        tracker.update(sample, 0.01 * i)
    missed = missed_by_inference(snapshot_of(tracker))
    assert [0, 6] in missed.tolist()
    assert not any(first <= n <= last for first, last in missed for n in (*range(7, 20), 58, 59))
    assert any(first <= 60 <= last for first, last in missed), "of those before the boot that came no more"


def test_a_refused_snapshot_changes_nothing(trained, recorded):
    model = trained["model"]
    recording = take(100.0, 1.2)
    batch = batch_of(model, OnnxRuntimeEngine, layout=layout_of(recording))
    run(batch, samples_with(recording, [])[:200], [0])
    tracker = batch.trackers[0]
    good, before = unpacked(snapshot_of(tracker)), packed(tracker.saved_state())
    wrong = {
        "tracker.rings.0": np.full_like(good["tracker.rings.0"], np.nan),
        "tracker.engine_ticks": np.array(1 << 40),
        "tracker.features.neutral.mount": np.zeros((6, 4)),
        "tracker.features.heading.rows": np.zeros((10, 52)),
        "tracker.reading.wearer.mean": np.full((15, 52), 1e6),
        "tracker.reading.wearer.uncertainty": -np.eye(15),
        "tracker.reading.wearer.source": np.frombuffer(b"nowhere", dtype=np.uint8),
        "tracker.ticks.next_tick_s": np.array(np.inf),
        "tracker.ticks.time_s": np.array(-1e18),
        "tracker.hub_time_s": np.array(np.nan),
        "tracker.layout.rate_hz": np.array(0.0),
        "tracker.layout.names": np.frombuffer(b"\xff\xfe", dtype=np.uint8),
        "tracker.last.state": np.array(9),
        "tracker.head": np.zeros(3),
        "tracker.params.times_s": np.full(4, -1.0),
        "tracker.more": np.zeros(1),
    }
    for name, array in wrong.items():
        with pytest.raises(SnapshotError, match=r"expected .*found") as told:
            restore_snapshot(tracker, packed(good | {name: array}))
        assert "replay" in str(told.value)
        assert packed(tracker.saved_state()) == before, name
    for name in good:
        if name.startswith("tracker.") and "." not in name.removeprefix("tracker."):
            with pytest.raises(SnapshotError):
                restore_snapshot(tracker, packed({n: a for n, a in good.items() if n != name}))
    assert packed(tracker.saved_state()) == before


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_from_anywhere_are_refused(data):
    with pytest.raises(SnapshotError):
        unpacked(data)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_damaged_bytes_restore_or_are_refused(trained, data):
    batch = batch_of(trained["model"], OnnxRuntimeEngine)
    tracker = batch.trackers[0]
    good = bytearray(snapshot_of(tracker))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    before = packed(tracker.saved_state())
    try:
        restore_snapshot(tracker, bytes(good))
    except SnapshotError:
        assert packed(tracker.saved_state()) == before


def test_no_pickles_and_no_bombs(tmp_path):
    import io

    held = io.BytesIO()
    np.savez(held, x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SnapshotError, match="objects"):
        unpacked(held.getvalue())
    bomb = io.BytesIO()
    np.savez_compressed(bomb, x=np.zeros(6 << 20))
    assert len(bomb.getvalue()) < 1 << 20
    with pytest.raises(SnapshotError, match="MiB"):
        unpacked(bomb.getvalue())


def test_of_another_model_or_kind(trained):
    description = trained["model"].description
    check_origin(KIND, description.digest, description)
    for kind, digest in (("imusic tracker 0", description.digest), (KIND, "0" * 64), (KIND, "")):
        with pytest.raises(SnapshotError, match="expected"):
            check_origin(kind, digest, description)
