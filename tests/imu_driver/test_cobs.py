"""COBS against the published algorithm's reference package and its own limits."""

from __future__ import annotations

import pytest
from cobs import cobs as reference
from hypothesis import example, given
from hypothesis import strategies as st

from imu_driver.protocol import BadCobsError, cobs

sparse = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3))).map(
    lambda runs: b"".join(b"\x41" * n + b"\0" * z for n, z in runs)
)
data = st.one_of(st.binary(), sparse)


@given(data)
@example(b"")
@example(b"\x01" * 254)
@example(b"\x01" * 254 + b"\0")
@example(b"\x01" * 508)
@example(b"\0" + b"\x01" * 255)
def test_equals_the_reference(raw: bytes) -> None:
    encoded = cobs.encode(raw)
    assert encoded == reference.encode(raw)
    assert 0 not in encoded
    assert len(encoded) <= cobs.encoded_size(len(raw))
    assert cobs.decode(encoded) == raw


@given(data.filter(len))
def test_decodes_anything_as_the_reference_does(frame: bytes) -> None:
    try:
        expected = reference.decode(frame)
    except reference.DecodeError:
        with pytest.raises(BadCobsError):
            cobs.decode(frame)
    else:
        assert cobs.decode(frame) == expected
