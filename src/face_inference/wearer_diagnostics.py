"""What the node tells about one wearer on `/diagnostics`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from face_inference.alignment.sensor_alignment import SensorAlignment
from face_inference.frame_source import comparable
from face_inference.served_wearer import ServedWearer, Since
from face_inference.tracker import FaceTracker
from face_inference.wearer.wear_learning import WearLearning
from face_inference.wearer_wear import GLUED_ANEW
from face_model.face_state import FaceState
from imusic_ros.health import ERROR, OK, WARN, Health

MOST_DELAY_S = 0.05
"""Median latency up to which the level is OK: ten times that of a computer that keeps up."""

MOST_LOSS = 0.02
"""Share of lost samples up to which the level is OK."""


def wearer_diagnostics(wearer: ServedWearer, engine: str, engine_failure: str | None) -> Health:
    """State, rate, latency, losses, model, and who wears the sensors.

    Args:
        wearer: whose.
        engine: description of the engine that runs all wearers.
        engine_failure: why another engine had to take over, if one had to.
    """
    tracker, counters = wearer.tracker, wearer.tracker.counters
    now_s = wearer.now_s()
    delay_s = wearer.latency.median_since_report()
    since = wearer.since_report()
    values: dict[str, object] = {"state": wearer.state.name, **wearer.latency.report(now_s, counters.samples)}
    if tracker.estimate is not None:
        values["confidence_mean"] = float(tracker.estimate.confidence.mean())
    values |= {
        "samples": counters.samples,
        "lost": counters.lost,
        "skipped": wearer.skipped,
        "foreign": wearer.source.foreign,
        "publishers": wearer.publishers,
        "refused": counters.refused,
        "masked": counters.masked,
        "resets": counters.resets,
        "returns": counters.returns,
        "not_finite": counters.not_finite,
        "model": wearer.model,
        "engine": engine,
        **heading_values(tracker),
        "missing_sensors": ", ".join(tracker.unusable_sensors) or "none",
        "wearer": wearer.action.profile or "unknown",
        "wearer_known_from": tracker.wearer.source,
        **wear_values(tracker.wear),
        **alignment_values(tracker.alignment, tracker.mounts.names),
    }
    if wearer.crowded(now_s) or since.foreign:
        return Health(ERROR, _two_sources(wearer, since.foreign), values)
    level, text = _verdict(wearer, now_s, engine_failure)
    if level == OK:
        # At another rate than 1 a delay by /clock says nothing about this computer.
        level, text = _pace(None if wearer.is_simulated else delay_s, since) or (level, text)
    return Health(level, text, values)


def heading_values(tracker: FaceTracker) -> dict[str, object]:
    """How well each sensor's heading is known, and how its board was found to be turned."""
    if tracker.neutral is None:
        return {}
    mounts = tracker.mounts
    deviation, turn = np.degrees(tracker.heading_deviation_rad), np.degrees(tracker.mounting_turn_rad)
    names = [mounts.names[i] for i in mounts.skin]
    values: dict[str, object] = {"heading_deviation_deg": float(deviation.max(initial=0.0))}
    for name, found, known in zip(names, turn, deviation, strict=True):
        values[f"{name} heading"] = f"known to {known:.1f} deg, board turned by {found:.1f} deg"
    return values


def wear_values(wear: WearLearning) -> dict[str, object]:
    """How learning while worn goes."""
    learning = "on" if wear.can_learn else "waits for a routine or a profile to add to"
    return {
        "learn_while_worn": learning if wear.enabled else "off",
        "wearer_fits": {True: "yes", False: "no", None: "not known"}[wear.fits],
        "worn_s": wear.worn_s,
        "worn_rounds_kept": wear.kept,
        "worn_rounds_rejected": wear.rejected,
        "worn_last_gain_nats": wear.gain,
    }


def alignment_values(alignment: SensorAlignment | None, names: Sequence[str]) -> dict[str, object]:
    """Whether the mountings are known, and each sensor's residual in degrees."""
    if alignment is None:
        return {"alignment": "as the layout has it"}
    known = [name for name, aligned in zip(names, alignment.aligned, strict=True) if aligned]
    residuals = np.rad2deg(alignment.residual_rad)
    told = ", ".join(f"{n} {r:.1f}" for n, r, a in zip(names, residuals, alignment.aligned, strict=True) if a)
    return {"alignment": f"{len(known)} of {len(names)} sensors", "alignment_residual_deg": told}


def _two_sources(wearer: ServedWearer, foreign: int) -> str:
    return (
        f"expected one publisher of {wearer.topics.frames_topic}, found {max(2, wearer.publishers)}: samples of one "
        f"hub are used, those of the other are dropped ({foreign} in the last second); stop the other driver or bag, "
        "or start one of the two with a namespace of its own (--namespace NAME)"
    )


def _pace(delay_s: float | None, since: Since) -> tuple[int, str] | None:
    """What is to be said of delay and losses since the last report."""
    if delay_s is not None and comparable(delay_s) and delay_s > MOST_DELAY_S:
        return WARN, (
            f"faces are {1e3 * delay_s:.0f} ms old when they are published: this computer is too slow for all that "
            "runs on it, or the driver's has another time; stop other programs, or lower the rate"
        )
    share = since.lost / max(1, since.lost + since.taken)
    if share <= MOST_LOSS:
        return None
    if since.skipped:
        return WARN, (
            f"{100.0 * share:.0f} % of the samples are skipped: this computer is too slow for all that runs on it; "
            "stop other programs, or lower the rate"
        )
    return WARN, (
        f"{100.0 * share:.0f} % of the samples are lost: if the driver's `lost` stands still, this computer is too "
        "slow for all that runs on it; else look at cable or Wi-Fi"
    )


def _verdict(wearer: ServedWearer, now_s: float, engine_failure: str | None) -> tuple[int, str]:
    tracker, params = wearer.tracker, wearer.tracker.params
    if wearer.layout_problem:
        return WARN, wearer.layout_problem
    if wearer.refused_layout:
        return WARN, wearer.refused_layout
    silence_s = tracker.silence_s(now_s)
    if silence_s is None:
        return WARN, "no samples on imu/frame yet; is the driver active?"
    if wearer.replay:
        silence_s = 0.0  # whoever plays may pause
    if silence_s > params.neutral_after_s:
        return ERROR, f"no samples for {silence_s:.1f} s: the face is neutral; look at the driver"
    if silence_s > params.stale_after_s:
        return WARN, f"no samples for {silence_s:.1f} s"
    if wearer.state == FaceState.STALE:
        return WARN, (
            f"samples are more than {params.stale_after_s:g} s old when they come: this computer is too slow for all "
            "that runs on it, or the driver's has another time; stop other programs, or lower the rate"
        )
    if engine_failure is not None:
        return WARN, engine_failure
    if wearer.state == FaceState.CALIBRATING:
        return OK, f"calibrating: {tracker.calibration_hint}"
    if wearer.state == FaceState.DEGRADED:
        names = ", ".join(tracker.unusable_sensors)
        return (
            WARN,
            f"sensors are missing or faulty{f' ({names})' if names else ''}: weights follow with lower confidence",
        )
    wrong_places = wearer.action.wrong_places or wearer.alignment.wrong_places
    if wrong_places:
        return WARN, f"{wrong_places}: change over what is exchanged, then align the sensors again"
    if tracker.wear.glued_anew:
        return WARN, GLUED_ANEW
    if tracker.wearer.source == "population":
        return OK, "tracking an unknown wearer: the guided routine (`imusic wearer routine NAME`) is more accurate"
    return OK, "tracking"
