"""Which port the page gets where another program has the usual one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from imusic_ros import page_port
from imusic_ros.graph import GraphError, Process, load_graph
from imusic_ros.page_port import with_free_page


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that another program serves; it is the usual one here."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(page_port, "USUAL_PORT", port)
        yield port


def capture(port: int) -> tuple[Process, ...]:
    return load_graph("capture").started_with({"page_port": port})


def test_the_next_free_one_is_taken_and_said(taken: int) -> None:
    (page,) = (p for p in with_free_page(capture(taken), asked=False)[0] if p.name == "face_viz")
    assert page.overrides["port"] == 0
    assert with_free_page(capture(taken), asked=False)[1].startswith(f"port {taken} on 127.0.0.1 is in use")


def test_one_that_was_asked_for_is_refused(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GraphError, match=f"expected port {taken} .*found it in use"):
        with_free_page(capture(taken), asked=True)
    monkeypatch.setattr(page_port, "USUAL_PORT", 8080)  # another one stands in the file: asked for as well
    with pytest.raises(GraphError, match="in use"):
        with_free_page(capture(taken), asked=False)


def test_nothing_changes_where_it_is_free(taken: int) -> None:
    processes = load_graph("demo").processes
    assert with_free_page(processes, asked=False) == (processes, "")
    processes = load_graph("headless").processes
    assert with_free_page(processes, asked=False) == (processes, "")
