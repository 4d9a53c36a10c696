"""The lines that the driver's parameters name, without ROS."""

from __future__ import annotations

from typing import Any

import pytest

from imu_driver.lines import LineError, make_lines
from imu_driver.serial_finder import FoundSerialTransport
from imu_driver.serial_port import SerialTransport
from imu_driver.udp import UdpTransport
from imu_driver.udp_senders import UdpSendersTransport

USUAL = {"hub": "imusic_v1", "port": "", "baud": 921600, "udp": "", "hub_address": "", "hub_id": "", "key_file": ""}


def lines(**given: Any) -> list[Any]:
    return make_lines((USUAL | given).__getitem__)


@pytest.mark.parametrize(
    ("given", "kinds", "names"),
    [
        ({"port": "/dev/ttyUSB0"}, [SerialTransport], [""]),
        ({"port": "/dev/a, /dev/b", "hub_id": "left, right"}, [SerialTransport] * 2, ["left", "right"]),
        ({"port": "auto"}, [FoundSerialTransport], [""]),
        ({"port": "auto", "hub_id": "left,right"}, [FoundSerialTransport] * 2, ["left", "right"]),
        ({"port": "/dev/a", "udp": ":7000"}, [UdpTransport], [""]),
        ({"hub": "slimevr", "port": "/dev/a"}, [UdpSendersTransport], [""]),
    ],
)
def test_a_line_for_each_hub(given: dict[str, str], kinds: list[type], names: list[str]) -> None:
    found = lines(**given)
    assert [type(line.transport) for line in found] == kinds
    assert [line.name for line in found] == names


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "found neither"),
        ({"hub": "slimevr", "udp": ":1,:2"}, "share one port, found 2"),
        ({"port": "/dev/a", "hub_id": "left,right"}, "a name for each of 1 hubs, found 2"),
        ({"udp": "nowhere"}, "udp, hub_address: expected an address"),
        ({"udp": ":7000", "hub_address": "x"}, "expected an address as host:port"),
        ({"port": "/dev/a", "key_file": "/nowhere/key"}, "key_file: "),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, str], why: str) -> None:
    with pytest.raises(LineError, match=why):
        lines(**given)
