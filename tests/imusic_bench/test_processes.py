"""Text of /proc, read without any library."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imusic_bench.processes import look_at, parse_memory, parse_stat
from imusic_cli.errors import CommandError

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def stat_line(name: str, user: int, system: int, threads: int, pages: int) -> str:
    before = "S 1 40 40 0 -1 4194304 8000 0 0 0"
    return (
        f"42 ({name}) {before} {user} {system} 7 8 20 0 {threads} 0 123456 400000000 {pages} 18446744073709551615 1\n"
    )


@given(
    name=st.text(st.characters(codec="ascii", exclude_characters="\n"), min_size=1, max_size=15),
    numbers=st.lists(st.integers(0, 2**40), min_size=4, max_size=4),
)
def test_any_program_name_leaves_the_fields_in_their_places(name: str, numbers: list[int]) -> None:
    user, system, threads, pages = numbers
    cpu_s, rss_kb, found = parse_stat(stat_line(name, user, system, threads, pages))
    assert cpu_s == pytest.approx((user + system) / TICKS_PER_S)
    assert (rss_kb, found) == (pages * PAGE_KB, threads)


@pytest.mark.parametrize("line", ["", "42 (python) S 1 2", stat_line("a", 1, 2, 3, 4).replace(" 1 2 ", " x y ")])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(CommandError, match="expected the fields"):
        parse_stat(line)


def test_memory_lines_are_named() -> None:
    text = (
        "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:       101532 kB\nPss:        94211 kB\nPss_Anon:  80000 kB\n"
    )
    assert parse_memory(text) == {"Rss": 101532, "Pss": 94211, "Pss_Anon": 80000}


def test_without_permission_the_coarse_figure_stands(tmp_path: Path) -> None:
    process = tmp_path / "42"
    (process / "fd").mkdir(parents=True)
    for number in range(4):
        (process / "fd" / str(number)).touch()
    (process / "stat").write_text(stat_line("node", 150, 50, 6, 100))
    usage = look_at(42, tmp_path)
    assert (usage.cpu_s, usage.rss_kb, usage.pss_kb) == (200 / TICKS_PER_S, 100 * PAGE_KB, None)
    assert (usage.threads, usage.files) == (6, 4)
    (process / "smaps_rollup").write_text("Rss: 500 kB\nPss: 300 kB\n")
    assert (look_at(42, tmp_path).rss_kb, look_at(42, tmp_path).pss_kb) == (500, 300)


def test_this_process_is_seen() -> None:
    before = look_at(os.getpid())
    kept = bytearray(os.urandom(30_000_000))
    with Path(os.devnull).open():
        after = look_at(os.getpid())
    assert after.rss_kb - before.rss_kb > 20_000, len(kept)
    assert after.files == before.files + 1
    assert after.cpu_s >= before.cpu_s


def test_a_process_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="process 42 to run on"):
        look_at(42, tmp_path)
