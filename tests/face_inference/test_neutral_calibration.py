from __future__ import annotations

import numpy as np

from face_inference.neutral_calibration import CalibrationParams, NeutralCalibration


def feed(calibration, recording, start, stop):
    for i in range(start, stop):
        calibration.add(
            i / recording.rate_hz, recording.orientation[i], recording.angular_velocity[i], recording.valid[i]
        )
        if calibration.complete:
            return i
    return None


def test_a_still_face_gives_a_neutral_after_the_duration(mounts, recorded):
    recording = recorded(seconds=6.0)
    calibration = NeutralCalibration(mounts, CalibrationParams(duration_s=1.0))
    assert calibration.collecting
    assert feed(calibration, recording, 0, 250) == 100
    assert calibration.result.success
    assert calibration.result.stillness_rad_s < 0.01


def test_a_moving_head_is_refused_with_the_reason(mounts, recorded):
    recording = recorded(seconds=8.0, head=0.8)
    calibration = NeutralCalibration(mounts, CalibrationParams(duration_s=1.0))
    feed(calibration, recording, 450, 800)
    assert not calibration.result.success
    assert calibration.result.stillness_rad_s > 0.1
    assert "the old neutral stays" in calibration.result.message


def test_a_moving_face_is_refused(mounts, recorded):
    recording = recorded(seconds=8.0, head=0.0)
    calibration = NeutralCalibration(mounts, CalibrationParams(duration_s=1.0))
    feed(calibration, recording, 450, 800)
    assert not calibration.result.success
    assert "the face moved" in calibration.result.message


def test_automatic_calibration_waits_for_a_still_face(mounts, recorded):
    recording = recorded(seconds=8.0)
    calibration = NeutralCalibration(mounts, CalibrationParams(duration_s=1.0), automatic=True)
    feed(calibration, recording, 450, 800)
    assert calibration.collecting
    for i in range(200):
        calibration.add(8.0 + i / 100, recording.orientation[i], recording.angular_velocity[i], recording.valid[i])
    assert calibration.complete
    assert "although" not in calibration.result.message


def test_automatic_calibration_takes_the_stillest_window_in_the_end(mounts, recorded):
    recording = recorded(seconds=8.0, head=0.8)
    calibration = NeutralCalibration(mounts, CalibrationParams(duration_s=0.5, patience_s=2.0), automatic=True)
    assert feed(calibration, recording, 400, 800) is not None
    assert calibration.result.success
    assert "although" in calibration.result.message


def test_without_the_reference_it_says_which_sensor_is_missing(mounts, recorded):
    recording = recorded(seconds=4.0)
    recording.valid[:, 0] = False
    calibration = NeutralCalibration(mounts, CalibrationParams(duration_s=1.0))
    feed(calibration, recording, 0, 300)
    assert not calibration.result.success
    assert "'skull'" in calibration.result.message


def test_aborting_gives_a_reason_and_no_neutral(mounts, recorded):
    calibration = NeutralCalibration(mounts)
    calibration.abort("hub gone")
    assert calibration.complete
    assert calibration.result.message == "hub gone"
    assert calibration.result.neutral is None
    assert np.isfinite(calibration.result.stillness_rad_s)
