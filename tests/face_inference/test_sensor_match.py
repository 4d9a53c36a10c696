from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_inference.errors import LayoutMismatchError
from face_inference.face_estimate import InputLayout
from face_inference.sensor_match import SensorMatch
from face_model.imu_sample import ImuSample, status_of


def numbered(count, layout_id=1):
    """Every value of sensor i is i."""
    values = np.arange(count, dtype=np.float32)[:, None]
    wide = [np.broadcast_to(values, (count, width)) for width in (4, 3, 3)]
    return ImuSample(layout_id, 0, 0.0, status_of(np.ones(count, dtype=bool)), *wide)


@given(data=st.data())
def test_each_sensor_is_found_by_its_name_wherever_it_comes(description, data):
    names = description.mounts.names
    reference = names[description.mounts.reference]
    others = [name for name in (*names, "extra_1", "extra_2") if name != reference]
    incoming = data.draw(st.permutations([reference, *data.draw(st.lists(st.sampled_from(others), unique=True))]))
    match = SensorMatch(description)
    assert match.follow(InputLayout(1, tuple(incoming), 100.0))
    sample = numbered(len(incoming))
    assert match.fits(sample)
    *arrays, valid = match.in_model_order(sample)
    assert [name for name, here in zip(names, valid, strict=True) if not here] == list(match.missing)
    assert set(match.missing) == set(names) - set(incoming)
    for array in arrays:
        for row, name, here in zip(array, names, valid, strict=True):
            assert not here or (row == incoming.index(name)).all()


def test_the_same_layout_again_is_no_change(description):
    match, layout = SensorMatch(description), InputLayout(1, description.mounts.names, 100.0)
    assert match.follow(layout)
    assert not match.follow(layout)
    assert match.follow(replace(layout, layout_id=2))
    assert not match.fits(numbered(6, layout_id=1))
    assert match.fits(numbered(6, layout_id=2))


def test_a_refused_layout_changes_nothing(description):
    match = SensorMatch(description)
    match.follow(InputLayout(1, description.mounts.names[:3], 100.0))
    with pytest.raises(LayoutMismatchError):
        match.follow(InputLayout(2, ("chin",), 100.0))
    assert match.fits(numbered(3))
    assert match.missing == description.mounts.names[3:]
