"""Several nodes, one list, without ROS."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from face_hri.directory import LISTEN_S, NOBODY, SILENT_S, Directory, Part

IDS = st.frozensets(st.text("abc123", min_size=1, max_size=4), max_size=4)


def part(face: str) -> Part:
    return Part(frozenset({face}), frozenset({f"p{face}"}), frozenset({f"p{face}"}))


@given(IDS, IDS, IDS)
def test_a_part_comes_back_from_its_entries(
    faces: frozenset[str], persons: frozenset[str], known: frozenset[str]
) -> None:
    told = Part(faces, persons, known).entries()
    assert told, "no entries mean that a node leaves"
    assert Part.of(told) == Part(faces, persons, known)


def test_strange_entries_are_passed_over() -> None:
    assert Part.of(["", "here", "faces", "face", "x:y"]) == NOBODY


def test_one_alone_leads_after_it_has_listened() -> None:
    alone = Directory("/a", 10.0)
    assert not alone.leads(10.0 + 0.9 * LISTEN_S)
    assert alone.leads(10.0 + LISTEN_S)


def test_exactly_one_leads_and_all_know_everything() -> None:
    nodes = [Directory(name, 0.0, part(name[1:])) for name in ("/c", "/a", "/b")]
    for one, other in itertools.permutations(nodes, 2):
        one.hear(other.own, other.part, 2.0)
    assert [node.leads(2.1) for node in nodes] == [False, True, False]
    together = {node.together(2.1) for node in nodes}
    assert together == {Part(frozenset("abc"), frozenset({"pa", "pb", "pc"}), frozenset({"pa", "pb", "pc"}))}


def test_who_is_silent_or_left_is_forgotten_and_the_next_leads() -> None:
    node = Directory("/b", 0.0, part("b"))
    node.hear("/a", part("a"), 2.0)
    node.hear("/b", part("x"), 2.0)  # its own words
    assert not node.leads(2.0 + 0.9 * SILENT_S)
    assert node.leads(2.0 + SILENT_S)
    assert node.together(2.0 + SILENT_S) == part("b")
    node.hear("/a", part("a"), 9.0)
    node.forget("/a")
    node.forget("/nobody")
    assert node.leads(9.0)
    assert node.others == []


def test_faces_of_other_detectors_are_added() -> None:
    node = Directory("/b", 0.0, part("b"))
    assert node.together(2.0, {"/camera": ["x", "y"], "/other": ["x"]}).faces == frozenset("bxy")
