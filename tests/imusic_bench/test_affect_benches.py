"""What the benches of face_affect compute; their figures are in docs/affect.md."""

from __future__ import annotations

import numpy as np

from face_affect.events import EventKind, FacialEvent
from face_evaluation.micro import SHOWN, SINGLE, Found, TrueEvent, micro_motion
from imusic_bench.affect_reading import EXPRESSED, Reading, affect_figures, posed, read
from imusic_bench.micro_expressions import micro_figures


def event(apex_s: float, strength: float = 2.0) -> FacialEvent:
    return FacialEvent(
        EventKind.MICRO_EXPRESSION,
        apex_s - 0.1,
        apex_s,
        apex_s + 0.1,
        (12,),
        (0,),
        (0.4,),
        strength,
        1 - 0.5 / strength,
    )


def test_motions_have_what_they_say() -> None:
    motion, events = micro_motion(3, 40.0)
    assert motion.loops
    assert 4 <= len(events) <= 12
    assert all(0.04 <= e.duration_s <= 0.5 for e in events)
    assert all(e.shown in dict(SHOWN) for e in events)
    quiet, none = micro_motion(3, 40.0, ())
    assert not none
    for e in events:
        rows = slice(round(e.start_s * motion.rate_hz), round(e.end_s * motion.rate_hz) + 1)
        assert np.abs(motion.weights[rows] - quiet.weights[rows]).max() > 0.1
    assert {code for _, codes in SINGLE for code in codes} >= {1, 4, 12, 15}


def test_figures_of_micro_expressions() -> None:
    true = [TrueEvent(5.0, 5.2, "12", (12,), 0.4), TrueEvent(9.0, 9.05, "4", (4,), 0.7)]
    take = Found(((true[0], event(5.1)), (true[1], None)), (event(20.0, 1.5),), 10, 9, 2.0)
    figures = micro_figures([take], [take])
    assert figures["recall"] == 0.5
    assert figures["false alarms a minute"] == 0.5
    assert figures["recall, 40 to 100 ms"] == 0.0
    assert figures["first unit right"] == 1.0
    assert figures["recall at one false alarm a minute"] == 0.5


def test_true_weights_of_posed_expressions_are_read() -> None:
    motion, times = posed(1)
    assert {name for name, _ in times} == {"neutral", *EXPRESSED}
    rows = np.clip((np.arange(int(motion.duration_s * 100)) / 100 * motion.rate_hz).astype(int), 0, motion.samples - 1)
    weights = motion.weights[rows]
    found = read(weights, np.full_like(weights, 0.9), times)
    assert len(found) == len(times)
    figures = affect_figures({"true weights": [found], "all sensors": [found]})
    assert figures["true weights: expressions right"] >= 0.7
    assert figures["true weights: rests read as neutral"] >= 0.8


def test_figures_of_readings() -> None:
    row = Reading("happiness", "happiness", 0.9, 0.9, 0.7, 0.4)
    wrong = Reading("fear", "happiness", 0.8, 0.1, 0.7, 0.4)
    rest = Reading("neutral", "neutral", 0.6, 0.6, 0.0, 0.0)
    rows = [Reading(name, name, 0.5, 0.5, 0.0, 0.0) for name in EXPRESSED if name not in ("happiness", "fear")]
    figures = affect_figures({"all sensors": [[row, wrong, rest, *rows]]})
    assert figures["all sensors: claims that are wrong"] == 0.5
    assert figures["all sensors: fear right"] == 0.0
