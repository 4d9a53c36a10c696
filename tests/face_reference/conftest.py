"""Datagrams to send, and a socket to send them from."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from face_model.livelink_packet import VALUES, Packet


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        yield opened


@pytest.fixture
def values() -> np.ndarray:
    return (np.arange(VALUES) / 100.0).astype(np.float32)


@pytest.fixture
def packet(values: np.ndarray) -> Packet:
    return Packet("0FA5-11", "Ana", 120, 0.5, (60, 1), values)
