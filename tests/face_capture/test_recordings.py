"""Faces of recorded bytes: the same in every run, the same as the parts give by hand, and errors that say why not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from face_capture import CalibrationError, CaptureError, Face, SourceError, open_capture
from face_inference.engines.onnx_runtime import OnnxRuntimeEngine
from face_inference.errors import LayoutMismatchError, ProfileError
from face_inference.face_estimate import FaceEstimate, InputLayout
from face_inference.model_folder import Model, load_model
from face_inference.tracker import FaceTracker
from face_inference.wearer.profile import WearerProfile, new_profile
from face_inference.wearer.profile_folder import ProfileFolder
from face_inference.wearer.wear_learning import WearLearning
from face_model import arkit
from face_model.errors import LayoutError
from face_model.face_state import FaceState
from face_model.imu_sample import ImuSample
from face_model.layout import load_layout
from imu_driver.hub import ConnectionState
from imu_driver.recorded_bytes import MAGIC

HubBytes = tuple[Path, list[ImuSample]]


def faces_of(path: Path) -> list[Face]:
    with open_capture(f"recorded:{path}") as capture:
        return list(capture)


def content(face: Face) -> tuple[object, ...]:
    arrays = (face.weights.array, face.confidence.array, face.head_orientation)
    return (face.stamp_s, face.sequence, face.state, *(array.tobytes() for array in arrays))


@pytest.fixture(scope="module")
def faces(hub_bytes: HubBytes) -> list[Face]:
    return faces_of(hub_bytes[0])


def test_two_runs_are_equal_bit_for_bit(hub_bytes: HubBytes, faces: list[Face]) -> None:
    assert [content(face) for face in faces_of(hub_bytes[0])] == [content(face) for face in faces]


def test_it_equals_the_parts_put_together_by_hand(hub_bytes: HubBytes, faces: list[Face]) -> None:
    model, samples = load_model("imusic"), hub_bytes[1]
    tracker = FaceTracker(model.description, OnnxRuntimeEngine(model))
    names = tuple(sensor.name for sensor in load_layout("face_12").sensors)
    tracker.set_layout(InputLayout(samples[0].layout_id, names, 100.0))
    by_sequence = {face.sequence: face for face in faces}
    estimates: list[FaceEstimate | None] = [tracker.update(sample, sample.arrival_s) for sample in samples]
    assert len(faces) == len(samples)
    for estimate in estimates:
        assert estimate is not None
        face = by_sequence[estimate.sequence]
        assert face.state is estimate.state
        assert face.weights.array.tobytes() == estimate.weights.tobytes()
        assert face.confidence.array.tobytes() == estimate.confidence.tobytes()
        assert face.head_orientation.tobytes() == estimate.head_orientation.tobytes()


def test_first_the_neutral_is_learned_then_the_face_is_followed(faces: list[Face]) -> None:
    states = [face.state for face in faces]
    began = states.index(FaceState.TRACKING)
    assert set(states[:began]) == {FaceState.CALIBRATING}
    assert not any(face.weights.array.any() for face in faces[:began])
    assert max(face.weights.array.max() for face in faces[began:]) > 0.3


def test_values_have_the_names_of_the_shapes(faces: list[Face]) -> None:
    face = faces[-1]
    assert tuple(face.weights) == arkit.BLENDSHAPES
    assert len(face.confidence) == arkit.COUNT
    assert face.weights["jawOpen"] == face.weights.array[arkit.INDEX["jawOpen"]]
    assert "jawOpen=" in repr(face.weights)
    with pytest.raises(KeyError):
        face.weights["jawOpne"]
    with pytest.raises(ValueError, match="read-only"):
        face.weights.array[0] = 1.0


def test_stamps_rise_and_a_recording_has_no_latency(faces: list[Face]) -> None:
    assert (np.diff([face.stamp_s for face in faces]) > 0.0).all()
    assert all(math.isnan(face.latency_s) for face in faces)


def test_diagnostics_say_who_sends_and_what_runs(hub_bytes: HubBytes) -> None:
    with open_capture(f"recorded:{hub_bytes[0]}") as capture:
        assert capture.state is FaceState.CALIBRATING
        assert capture.diagnostics.hub is None
        count = sum(1 for _ in capture)
        told = capture.diagnostics
        assert capture.state is FaceState.TRACKING
    assert told.connection is ConnectionState.ENDED
    assert told.hub is not None
    assert told.hub.rate_hz == 100
    assert told.tracker.samples == told.figures.samples == count
    assert (told.dropped, told.missing_sensors) == (0, ())
    assert told.model.startswith("imusic")
    assert "ONNX Runtime" in told.engine
    assert told.wearer == "population"


def test_the_neutral_can_be_learned_when_it_is_asked_for(hub_bytes: HubBytes) -> None:
    with open_capture(f"recorded:{hub_bytes[0]}") as capture:
        assert capture.calibrate_neutral().success
        assert next(capture).state is FaceState.TRACKING


def test_a_recording_that_ends_meanwhile_is_a_failed_calibration(hub_bytes: HubBytes) -> None:
    with open_capture(f"recorded:{hub_bytes[0]}") as capture:
        for _ in capture:
            pass
        with pytest.raises(CalibrationError, match="ended"):
            capture.calibrate_neutral()
        with pytest.raises(CaptureError, match="end of the capture"):
            capture.newest()


def test_the_newest_face_is_that_of_the_last_sample_that_waits(hub_bytes: HubBytes) -> None:
    with open_capture(f"recorded:{hub_bytes[0]}") as capture:
        first = capture.newest()
        assert capture.newest().sequence > first.sequence


def test_an_engine_of_ones_own_is_used_and_closed(hub_bytes: HubBytes, faces: list[Face]) -> None:
    made: list[OnnxRuntimeEngine] = []

    class Own(OnnxRuntimeEngine):
        closed = False

        def close(self) -> None:
            self.closed = True
            super().close()

    def make(model: Model) -> Own:
        engine = Own(model)
        made.append(engine)
        return engine

    with open_capture(f"recorded:{hub_bytes[0]}", engine=make) as capture:
        assert "given by the caller" in capture.diagnostics.engine
        assert [content(face) for face in capture] == [content(face) for face in faces]
    assert [engine.closed for engine in made] == [True]


def test_after_the_end_there_is_nothing_and_closing_twice_is_allowed(hub_bytes: HubBytes) -> None:
    capture = open_capture(f"recorded:{hub_bytes[0]}")
    next(capture)
    capture.close()
    capture.close()
    assert list(capture) == []


def test_a_recording_without_samples_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.bytes"
    empty.write_bytes(MAGIC)
    with open_capture(f"recorded:{empty}") as capture, pytest.raises(SourceError, match=r"empty\.bytes"):
        next(capture)


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WearerProfile:
    """Of a wearer whose wear has taught something; beside the user's own profiles."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    description = load_model("imusic").description
    mounts, prior = description.mounts, description.prior
    known = prior.unknown_wearer
    made = new_profile("ann", known, prior, mounts.names, mounts.names[mounts.reference], "imusic", "a test")
    made = replace(made, worn=replace(known, mean=1.5 * known.mean))
    ProfileFolder().save(made)
    return made


def test_what_wear_taught_before_is_used_and_can_be_forgotten(
    hub_bytes: HubBytes, faces: list[Face], profile: WearerProfile
) -> None:
    def weights(forget: bool) -> NDArray[np.floating]:
        with open_capture(f"recorded:{hub_bytes[0]}", wearer="ann", learn_while_worn=False) as capture:
            if forget:
                capture.forget_worn()
            return np.array([face.weights.array for face in capture])

    kept, forgotten = weights(forget=False), weights(forget=True)
    anybody = np.array([face.weights.array for face in faces])
    assert np.abs(kept[-1] - anybody[-1]).max() > 1e-3
    np.testing.assert_allclose(forgotten[-1], anybody[-1], atol=1e-4)


@pytest.mark.parametrize("learn", [True, False])
def test_wear_adds_to_a_profile_unless_it_shall_not(
    hub_bytes: HubBytes, profile: WearerProfile, monkeypatch: pytest.MonkeyPatch, learn: bool
) -> None:
    learning: list[bool] = []
    tick = WearLearning.tick
    monkeypatch.setattr(WearLearning, "tick", lambda self, row: (learning.append(self.enabled), tick(self, row))[1])
    with open_capture(f"recorded:{hub_bytes[0]}", wearer="ann", learn_while_worn=learn) as capture:
        for _ in capture:
            pass
        assert not capture.diagnostics.glued_anew
    assert set(learning) == {learn}


def test_what_does_not_fit_is_refused_before_anything_is_opened(
    hub_bytes: HubBytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    source = f"recorded:{hub_bytes[0]}"
    with pytest.raises(ProfileError, match="nobody_we_know"):
        open_capture(source, wearer="nobody_we_know")
    with pytest.raises(LayoutError):
        open_capture(source, layout="no_such_layout")
    with pytest.raises(ValueError, match="kind of hub"):
        open_capture(source, hub="no_such_hub")


def test_a_layout_without_the_models_reference_is_refused(hub_bytes: HubBytes, tmp_path: Path) -> None:
    layout = tmp_path / "other.yaml"
    shipped = Path(__file__).resolve().parents[2] / "config" / "layouts" / "face_12.yaml"
    mounts = load_model("imusic").description.mounts
    name = mounts.names[mounts.reference]
    text = shipped.read_text(encoding="utf-8")
    layout.write_text(text.replace(f"name: {name},", "name: another_skull,"), encoding="utf-8")
    source = f"recorded:{hub_bytes[0]}"
    with open_capture(source, layout=str(layout)) as capture, pytest.raises(LayoutMismatchError, match=name):
        next(capture)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 31.0, math.nan, math.inf])
def test_a_calibration_lasts_as_long_as_one_can(hub_bytes: HubBytes, duration_s: float) -> None:
    with open_capture(f"recorded:{hub_bytes[0]}") as capture, pytest.raises(ValueError, match=r"0\.5 to 30 s"):
        capture.calibrate_neutral(duration_s)


@pytest.mark.parametrize("rate_hz", [0, -5, 10**9, 10**400, 1.5, math.nan, "a", None])
def test_impossible_rates_are_refused(hub_bytes: HubBytes, rate_hz: Any) -> None:
    with pytest.raises(ValueError, match="rate_hz: expected a whole number of 1 to 1000"):
        open_capture(f"recorded:{hub_bytes[0]}", rate_hz=rate_hz)


@pytest.mark.parametrize("baud", [10**12, 0, "fast", 1e400])
def test_impossible_bauds_are_refused(hub_bytes: HubBytes, baud: Any) -> None:
    with pytest.raises(ValueError, match="baud: expected a whole number of 9600 to 12000000"):
        open_capture(f"recorded:{hub_bytes[0]}", baud=baud)
