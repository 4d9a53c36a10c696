"""OSC as it is written, read back; hostile input is in face_reference/test_vmc.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_model import osc

texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30)
arguments = st.lists(
    st.one_of(
        st.integers(-(2**31), 2**31 - 1),
        st.floats(width=32, allow_nan=False, allow_infinity=False),
        texts,
        st.binary(max_size=30),
        st.booleans(),
        st.none(),
    ),
    max_size=10,
)


@given(address=texts.map("/".__add__), given_=arguments)
def test_a_message_there_and_back(address: str, given_: list[object]) -> None:
    data = osc.encode(address, given_)
    assert len(data) % 4 == 0
    (found,) = osc.decode(data)
    assert (found.address, found.arguments, found.time_s) == (address, tuple(given_), None)


@given(when=st.one_of(st.none(), st.floats(0.0, 4e9 - 2_208_988_800)), count=st.integers(0, 20))
def test_a_bundle_there_and_back(when: float | None, count: int) -> None:
    found = osc.decode(osc.bundle((osc.encode("/a", [i]) for i in range(count)), when))
    assert [message.arguments for message in found] == [(i,) for i in range(count)]
    assert all(message.time_s == (None if when is None else pytest.approx(when, abs=1e-6)) for message in found)


@pytest.mark.parametrize(
    ("address", "given_"), [("a", []), ("/a", [2**31]), ("/a", [float("nan")]), ("/a", ["\0"]), ("/a", [[]])]
)
def test_what_osc_cannot_say_is_refused(address: str, given_: list[object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        osc.encode(address, given_)
