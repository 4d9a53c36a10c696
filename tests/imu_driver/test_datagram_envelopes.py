from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imu_driver.datagram_envelopes import MOST_WAITED_S, Envelope, packed, unpacked

hosts = st.tuples(*[st.integers(0, 255)] * 4).map(lambda numbers: ".".join(map(str, numbers)))
envelopes = st.builds(
    Envelope,
    st.tuples(hosts, st.integers(0, 65535)),
    st.binary(max_size=200),
    st.booleans(),
    st.integers(0, 500_000).map(lambda us: us * 1e-6),
    st.just(False),
).flatmap(lambda e: st.sampled_from([e, e._replace(to_peer=False, neighbour=True)]))


@given(st.lists(envelopes, max_size=8))
def test_what_is_packed_comes_back(given_: list[Envelope]) -> None:
    found = list(unpacked(b"".join(map(packed, given_))))
    assert [e._replace(waited_s=0.0) for e in found if e] == [e._replace(waited_s=0.0) for e in given_]
    assert [e.waited_s for e in found if e] == pytest.approx([e.waited_s for e in given_])


@given(st.binary(max_size=300))
def test_other_bytes_end_it(data: bytes) -> None:
    found = list(unpacked(data))
    assert all(envelope is not None for envelope in found[:-1])


@given(st.lists(envelopes, min_size=1, max_size=4), st.data())
def test_a_piece_that_is_cut_short_keeps_what_is_whole(given_: list[Envelope], data: st.DataObject) -> None:
    whole = b"".join(map(packed, given_))
    cut = data.draw(st.integers(0, len(whole) - 1))
    found = list(unpacked(whole[:cut]))
    kept = [e for e in found if e is not None]
    assert [e.data for e in kept] == [e.data for e in given_[: len(kept)]]


def test_a_piece_ends_with_a_zero_where_recordings_are_cut() -> None:
    assert packed(Envelope(("1.2.3.4", 6969), b"\1\2")).endswith(b"\0")


def test_what_cannot_be_packed() -> None:
    for peer, data in ((("host", 1), b""), (("1.2.3.4", 70000), b""), (("1.2.3.4", 1), bytes(70000))):
        with pytest.raises(ValueError, match="expected"):
            packed(Envelope(peer, data))
    (late,) = unpacked(packed(Envelope(("1.2.3.4", 1), b"", waited_s=9.0)))
    assert late is not None
    assert late.waited_s == MOST_WAITED_S
