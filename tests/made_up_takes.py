"""Takes that are made up, for tests of what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from face_model import arkit, rotation
from face_recording.takes.take import NS, TRACKING, Take

T0_NS = 1_795_881_600 * NS + 123_456_789


def made_up(count: int = 300, rate_hz: float = 100.0, seed: int = 1, **texts: Any) -> Take:
    """A smooth face at even times."""
    rng = np.random.default_rng(seed)
    t = np.arange(count) / rate_hz
    weights = 0.5 + 0.5 * np.sin(t[:, None] * rng.uniform(1, 6, arkit.COUNT) + rng.uniform(0, 6, arkit.COUNT))
    vector = 0.3 * np.sin(t[:, None] * np.array([0.7, 1.1, 0.9]))
    return Take(
        stamps_ns=T0_NS + np.round(t * NS).astype(np.int64),
        sequence=np.arange(count, dtype=np.uint32) + 17,
        state=np.full(count, TRACKING, dtype=np.uint8),
        weights=weights.astype(np.float32),
        confidence=rng.uniform(0.2, 0.9, (count, arkit.COUNT)).astype(np.float32),
        observable=np.tile(rng.uniform(size=arkit.COUNT) < 0.6, (count, 1)),
        head_orientation=rotation.from_vector(vector),
        age=np.full(count, 0.004, dtype=np.float32),
        held=np.zeros(count, dtype=np.bool_),
        **{"name": "made up", "model": "imusic 1", "frame_id": "face_head", **texts},
    )


_LINE = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@st.composite
def takes(draw: st.DrawFn, least: int = 0, most: int = 12, plausible: bool = False) -> Take:
    """Any take; with `plausible` one whose stamps rise by 1 to 100 ms, and whose weights lie between 0 and 1.2."""
    count = draw(st.integers(least, most))

    def array(kind: Any, rest: tuple[int, ...], elements: Any = None) -> Any:
        return draw(
            hnp.arrays(kind, (count, *rest), elements=elements, fill=None if elements is None else st.nothing())
        )

    if plausible:
        steps = array(np.int64, (), st.integers(1_000_000, 100_000_000))
        stamps = T0_NS + np.cumsum(steps, dtype=np.int64)
        weights = array(np.float32, (arkit.COUNT,), st.floats(0.0, np.float32(1.1999), width=32))
        turns = array(np.float64, (3,), st.floats(-1.0, 1.0))
        head = rotation.from_vector(turns)
    else:
        stamps = array(np.int64, (), st.integers(-(2**61), 2**61))
        weights = array(np.float32, (arkit.COUNT,))
        head = array(np.float64, (4,))
    return Take(
        stamps_ns=stamps,
        sequence=array(np.uint32, ()),
        state=array(np.uint8, ()),
        weights=weights,
        confidence=array(np.float32, (arkit.COUNT,)),
        observable=array(np.bool_, (arkit.COUNT,)),
        head_orientation=head,
        age=array(np.float32, ()),
        held=np.zeros(count, dtype=np.bool_) if plausible else array(np.bool_, ()),
        name=draw(_LINE),
        wearer=draw(_LINE),
        notes=draw(_LINE),
        model=draw(_LINE),
    )
