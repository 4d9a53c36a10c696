"""What the node tells about one wearer on `/diagnostics`."""

from __future__ import annotations

import time

from face_inference.face_estimate import TrackingState
from face_inference.served_wearer import ServedWearer
from imusic_ros.health import ERROR, OK, WARN, Health


def wearer_diagnostics(wearer: ServedWearer, engine: str, engine_failure: str | None) -> Health:
    """State, rate, latency, losses, model, and who wears the sensors.

    Args:
        wearer: whose.
        engine: description of the engine that runs all wearers.
        engine_failure: why another engine had to take over, if one had to.
    """
    tracker, counters = wearer.tracker, wearer.tracker.counters
    now_s = time.monotonic()
    values: dict[str, object] = {"state": wearer.state.name, **wearer.latency.report(now_s, counters.samples)}
    if tracker.estimate is not None:
        values["confidence_mean"] = float(tracker.estimate.confidence.mean())
    values |= {
        "lost": counters.lost,
        "refused": counters.refused,
        "masked": counters.masked,
        "resets": counters.resets,
        "not_finite": counters.not_finite,
        "model": wearer.model,
        "engine": engine,
        "missing_sensors": ", ".join(tracker.missing_sensors) or "none",
        "wearer": wearer.action.profile or "unknown",
        "wearer_known_from": tracker.wearer.source,
    }
    level, text = _verdict(wearer, now_s, engine_failure)
    return Health(level, text, values)


def _verdict(wearer: ServedWearer, now_s: float, engine_failure: str | None) -> tuple[int, str]:
    tracker, params = wearer.tracker, wearer.tracker.params
    if wearer.layout_problem:
        return WARN, wearer.layout_problem
    silence_s = tracker.silence_s(now_s)
    if silence_s is None:
        return WARN, "no samples on imu/frame yet; is the driver active?"
    if silence_s > params.neutral_after_s:
        return ERROR, f"no samples for {silence_s:.1f} s: the face is neutral; look at the driver"
    if silence_s > params.stale_after_s:
        return WARN, f"no samples for {silence_s:.1f} s"
    if engine_failure is not None:
        return WARN, engine_failure
    if wearer.state == TrackingState.CALIBRATING:
        return OK, f"calibrating: {tracker.calibration_hint}"
    if wearer.state == TrackingState.DEGRADED:
        return WARN, "sensors are missing or faulty: weights follow with lower confidence"
    if tracker.wearer.source == "population":
        return OK, "tracking an unknown wearer: the guided routine (`imusic wearer routine NAME`) is more accurate"
    return OK, "tracking"
