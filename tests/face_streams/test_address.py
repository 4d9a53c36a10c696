"""Addresses of streams: defaults, options, and every slip told with what to do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_streams.address import is_open_to_others, parse_address, parse_streams
from face_streams.errors import AddressError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("livelink://", "livelink://127.0.0.1:11111"),
        ("vmc://192.168.1.5", "vmc://192.168.1.5:39539"),
        ("osc://:9001", "osc://127.0.0.1:9001"),
        ("ws://0.0.0.0:8765", "ws://0.0.0.0:8765"),
        ("vmc://[::1]:39540", "vmc://[::1]:39540"),
    ],
)
def test_what_is_left_out_is_this_machine_and_the_usual_port(text: str, told: str) -> None:
    assert str(parse_address(text)) == told


def test_options() -> None:
    found = parse_address("livelink://127.0.0.1?rate=30&mapping=metahuman&subject=Ana")
    assert (found.rate_hz, found.mapping, found.options) == (30.0, "metahuman", {"subject": "Ana"})
    assert parse_address("osc://?prefix=FT&bits=4").options == {"prefix": "FT/", "bits": 4}
    assert parse_address("vmc://?case=lower").options == {"case": True}
    found = parse_address("ws://?origins=http://localhost:3000+https://a.example")
    assert found.options == {"origins": ("http://localhost:3000", "https://a.example")}


def test_several() -> None:
    found = parse_streams("livelink://192.168.1.5:11111 vmc://127.0.0.1:39539, osc:// ws://")
    assert [address.scheme for address in found] == ["livelink", "vmc", "osc", "ws"]
    assert [is_open_to_others(address) for address in found] == [True, False, False, False]
    assert parse_streams("  ") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("vmc", "expected a stream such as"),
        ("vnc://127.0.0.1", "did you mean vmc"),
        ("vmc://127.0.0.1:99999", "port below 65536"),
        ("vmc://127.0.0.1:0", "nothing else"),
        ("vmc://127.0.0.1/face", "nothing else"),
        ("vmc://0.0.0.0", "which stands for all"),
        ("vmc://?rte=30", "did you mean rate"),
        ("vmc://?rate=0", "1 to 240 faces a second"),
        ("vmc://?rate=nan", "1 to 240 faces a second"),
        ("vmc://?rate=30&rate=30", "each key once"),
        ("vmc://?subject=Ana", "known are rate, mapping, case"),
        ("vmc://?case=Upper", "expected lower"),
        ("osc://?bits=9", "0 to 6 bits"),
        ("osc://?prefix=../", "a path such as FT/"),
        ("livelink://?subject=", "1 to 64 printable"),
        ("ws://?origins=evil", "origins of web pages"),
        ("vmc://?mapping=", "a mapping's name"),
        ("vmc:// vmc://127.0.0.1:39539", "found two"),
    ],
)
def test_slips_are_told(text: str, told: str) -> None:
    with pytest.raises(AddressError, match=told):
        parse_streams(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with contextlib.suppress(AddressError):
        assert all(0 < address.port < 65536 for address in parse_streams(text))


@given(
    scheme=st.sampled_from(["livelink", "vmc", "osc", "ws"]),
    port=st.integers(1, 65535),
    rate=st.integers(1, 240),
)
def test_what_is_right_is_kept(scheme: str, port: int, rate: int) -> None:
    found = parse_address(f"{scheme}://10.0.0.7:{port}?rate={rate}")
    assert (found.scheme, found.host, found.port, found.rate_hz) == (scheme, "10.0.0.7", port, rate)
