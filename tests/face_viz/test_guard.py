import pytest

from face_viz.guard import is_loopback, refusal

LOCAL = "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "localhost.", "::1", "::ffff:127.0.0.1"]
)
def test_addresses_of_this_machine_only(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.1", "0.0.0.0", "::", "", "1.127.0.0"],
)
def test_names_that_look_like_it_are_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:9000", "[::1]:8080", "[::1]"])
def test_a_local_page_is_reached_by_a_local_address_at_any_forwarded_port(host: str) -> None:
    assert refusal(LOCAL, [host], []) is None
    assert refusal(LOCAL, [host], [f"http://{host}"]) is None


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"], ["127.evil.example"], ["127.0.0.1.evil.example:8080"], ["evil.example@127.0.0.1"],
        ["[127.0.0.1"], ["127.0.0.1:80:80"], ["127.0.0.1 evil"], [""], [], ["127.0.0.1", "evil.example"], ["192.0.2.7"],
    ],
)  # fmt: skip
def test_a_local_page_is_refused_under_any_other_host(hosts: list[str]) -> None:
    assert refusal(LOCAL, hosts, []) is not None


@pytest.mark.parametrize(
    "origins",
    [
        ["http://evil.example"], ["null"], [""], ["http://127.evil.example:8080"], ["http://127.0.0.1:8081"],
        ["http://localhost:8080"], ["file://127.0.0.1:8080"], ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ],
)  # fmt: skip
def test_another_origin_is_refused(origins: list[str]) -> None:
    assert refusal(LOCAL, ["127.0.0.1:8080"], origins) is not None


def test_a_foreign_page_may_not_embed_what_it_cannot_read() -> None:
    assert refusal(LOCAL, ["127.0.0.1:8080"], [], "cross-site") is not None
    assert refusal(LOCAL, ["127.0.0.1:8080"], [], "same-origin") is None
    assert refusal(LOCAL, ["127.0.0.1:8080"], [], "none") is None


def test_a_public_page_is_reached_by_address_or_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "robot")
    for host in (
        "192.0.2.7:8080",
        "[2001:db8::7]:8080",
        "robot:8080",
        "robot.local",
        "Robot.lan:8080",
        "localhost:8080",
    ):
        assert refusal("0.0.0.0", [host], []) is None
    for host in ("evil.example", "robot.evil.example", "127.evil.example", "rebind.example:8080"):
        assert refusal("0.0.0.0", [host], []) is not None
    assert refusal("robot.lab.example", ["robot.lab.example:8080"], []) is None
