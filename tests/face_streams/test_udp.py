"""Datagrams on real sockets: who is there, who refuses, and how often."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_streams.errors import AddressError
from face_streams.pacing import Pacing
from face_streams.udp import ASKED_AGAIN_S, REFUSED, SOON_S, UdpSender


def test_what_is_sent_arrives() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reader:
        reader.bind(("127.0.0.1", 0))
        reader.settimeout(30.0)
        sender = UdpSender(*reader.getsockname())
        sender.send([b"one", b"two"], 0.0)
        assert [reader.recv(100), reader.recv(100)] == [b"one", b"two"]
        assert (sender.sent, sender.bytes_sent, sender.problem(0.0)) == (2, 6, "")
        sender.close()


def test_a_reader_that_is_not_there_is_told_and_forgotten_when_it_came() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = taken.getsockname()
    sender = UdpSender(*address)
    end_s = time.monotonic() + 60.0
    while not sender.problem(1.0):  # the refusal of one datagram comes back before another
        assert time.monotonic() < end_s
        sender.send([b"hello"], 1.0)
    assert sender.problem(1.0) == REFUSED
    assert sender.is_refused(1.0 + 0.9 * ASKED_AGAIN_S)
    assert not sender.is_refused(1.0 + 1.1 * ASKED_AGAIN_S)
    assert sender.failed[REFUSED] >= 1
    assert sender.problem(1.0 + SOON_S) == ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reader:
        reader.bind(address)
        reader.settimeout(30.0)
        sender.send([b"there"], 5.0)
        sender.send([b"there"], 5.0)
        assert reader.recv(100) == b"there"
        assert not sender.is_refused(6.0 + ASKED_AGAIN_S)
    sender.close()


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(AddressError, match="expected the name or number of a machine"):
        UdpSender("no-such-machine.invalid", 9)


@given(
    source=st.sampled_from([30.0, 60.0, 100.0, 200.0]),
    most=st.sampled_from([10.0, 30.0, 60.0, 120.0]),
    jitter=st.floats(0.0, 0.3),
)
def test_the_pace_is_kept_by_time(source: float, most: float, jitter: float) -> None:
    times = 1.7e9 + np.arange(0.0, 10.0, 1.0 / source)
    times += np.random.default_rng(0).uniform(0.0, jitter, len(times)) / source
    pacing = Pacing(most)
    sent = [time for time in times if pacing.is_due(time)]
    assert len(sent) <= 1.1 * most * 10.0 + 2.0
    assert len(sent) >= 0.85 * min(most, source) * 10.0
    if most >= 1.5 * source:
        assert len(sent) == len(times)


def test_a_pace_goes_on_where_time_goes_back() -> None:
    pacing = Pacing(60.0)
    assert pacing.is_due(1000.0)
    assert not pacing.is_due(1000.001)
    assert pacing.is_due(10.0)
    assert not pacing.is_due(10.001)
    assert pacing.is_due(10.02)
