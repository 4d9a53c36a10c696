"""Which datagrams are those of the hub that is wanted."""

from __future__ import annotations

from dataclasses import replace

from imu_driver.hubs.imusic_v1 import protocol as p
from imu_driver.hubs.imusic_v1.hub_choice import HubChoice


def test_a_stranger_on_the_network_is_no_named_hub(hello: p.Hello) -> None:
    choice = HubChoice("left-half")
    assert not choice.is_hub(p.encode(hello), None)
    assert choice.is_hub(p.encode(replace(hello, hub="left-half")), None)
    assert "expected the hub 'left-half', found 'bench-hub'" in choice.refusal(hello)
    assert choice.refusal(replace(hello, hub="left-half")) == ""
    assert HubChoice("").refusal(hello) == ""


def test_only_the_same_hub_is_followed_to_another_address(hello: p.Hello) -> None:
    choice = HubChoice("")
    assert choice.is_hub(p.encode(hello), None)
    assert choice.is_hub(p.encode(replace(hello, hub="another")), hello), "none was met since the line was opened"
    choice.met = True
    assert choice.is_hub(p.encode(replace(hello, boot_id=5)), hello)
    assert not choice.is_hub(p.encode(replace(hello, hub="another")), hello)
    assert not choice.is_hub(p.encode(p.Ping(1)), hello)


def test_a_hub_that_asks_for_a_key_is_heard_as_long_as_none_is_met(hello: p.Hello) -> None:
    choice = HubChoice("")
    refused = p.encode(p.Refused("set key_file"))
    assert choice.is_hub(refused, None)
    choice.met = True
    assert not choice.is_hub(refused, hello)
