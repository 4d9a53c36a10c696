"""The firmware's sources: clean under strict warnings, portable; the example's units are the layout's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from compiled_firmware import FIRMWARE, HERE, LIBRARY, ROOT, built, compile_c, compiler, compilers
from face_model.layout import load_layout
from imu_driver.hub_key import write_header
from imu_driver.hubs.imusic_v1 import protocol as p

SOURCES = sorted(LIBRARY.glob("*.c"))
EXAMPLE = FIRMWARE / "esp32/main"
ALLOWED_HEADERS = {"stdbool.h", "stddef.h", "stdint.h", "string.h"}


@pytest.mark.parametrize("name", compilers() or ["cc"])
@pytest.mark.parametrize("flag", ["-Os", "-O3"])
def test_no_warning(name: str, flag: str, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip("no C compiler (cc, gcc or clang) on PATH; apt install gcc")
    for source in SOURCES:
        done = compile_c(flag, "-c", source, "-o", tmp_path / f"{source.stem}.o", with_compiler=name)
        assert done.returncode == 0, done.stderr


def test_headers_stand_alone(tmp_path: Path) -> None:
    for header in sorted(LIBRARY.glob("*.h")):
        probe = tmp_path / f"{header.stem}.c"
        probe.write_text(f'#include "{header.name}"\n#include "{header.name}"\nint {header.stem}_probe;\n')
        built("-fsyntax-only", probe)


@pytest.mark.parametrize("source", [*SOURCES, *sorted(LIBRARY.glob("*.h"))], ids=lambda path: path.name)
def test_the_library_needs_nothing_but_the_language(source: Path) -> None:
    """No memory from a heap, no operating system, no floating point, no state that is not its caller's."""
    text = source.read_text(encoding="ascii")
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert set(re.findall(r"#include <(\S+)>", code)) <= ALLOWED_HEADERS
    assert not re.search(r"\b(float|double|malloc|calloc|realloc|free|printf|goto|setjmp)\b", code)
    assert not re.search(r"\d\.\d", code), "a floating-point constant"
    statics = re.findall(r"^\s*static (?!const\b)[\w *]+(?:\[.*\])?\s*(?:=|;)", code, re.MULTILINE)
    assert not statics


def test_no_floating_point_in_what_the_compiler_makes(tmp_path: Path) -> None:
    built("-Os", "-S", LIBRARY / "packets.c", "-o", tmp_path / "packets.s")
    built("-Os", "-S", LIBRARY / "wire.c", "-o", tmp_path / "wire.s")
    for path in tmp_path.glob("*.s"):
        assert not re.search(r"\b(cvt\w+|mulsd|addsd|divsd|mulss|fld|fadd|fmul)\b", path.read_text())


@pytest.mark.parametrize("line", [1, 2], ids=["uart", "udp"])
@pytest.mark.parametrize("bus", [1, 2], ids=["spi", "i2c"])
@pytest.mark.parametrize("key", [0, 1], ids=["open", "key"])
def test_the_example_is_c(line: int, bus: int, key: int, tmp_path: Path) -> None:
    """Against declarations of our own: the tool chain of the chip is not asked for here."""
    write_header(tmp_path / "hub_key.h", bytes(32))
    folders = ("-I", HERE / "stubs", "-I", tmp_path)
    for source in sorted(EXAMPLE.glob("*.c")):
        built("-fsyntax-only", f"-DHUB_LINE={line}", f"-DHUB_BUS={bus}", f"-DHUB_HAS_KEY={key}", *folders, source)


def test_the_syntax_check_sees_a_mistake(tmp_path: Path) -> None:
    text = (EXAMPLE / "main.c").read_text(encoding="ascii")
    broken = tmp_path / "main.c"
    broken.write_text(text.replace("imusic_hub_next_us(&hub, now_us)", "imusic_hub_next_us(&hub)"))
    done = compile_c("-fsyntax-only", "-I", HERE / "stubs", "-I", EXAMPLE, broken)
    assert done.returncode != 0
    assert "imusic_hub_next_us" in done.stderr


def test_the_example_has_the_units_of_the_layout() -> None:
    text = (EXAMPLE / "hub_config.h").read_text(encoding="ascii")
    rows = re.findall(r'X\((\d+), "(\w+)", imusic_(\w+), (.+?), -1\)', text)
    expected = [(str(sensor.id), sensor.name) for sensor in load_layout("face_12").sensors]
    spi, i2c = rows[: len(expected)], rows[len(expected) :]
    assert [row[:2] for row in spi] == expected
    assert [row[:2] for row in i2c] == expected
    for wired in (spi, i2c):
        assert len({row[3] for row in wired}) == len(expected), "two units in one place"
    pins = re.findall(r"_GPIO (\d+)$", text, re.MULTILINE)
    assert not {row[3] for row in spi} & set(pins)


def test_lines_are_short_and_ascii() -> None:
    for path in [*FIRMWARE.rglob("*.[ch]"), *HERE.rglob("*.[ch]")]:
        for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
            assert len(line) <= 120, f"{path}:{number}"
            assert "\t" not in line, f"{path}:{number}"


def test_the_makefile_builds(tmp_path: Path) -> None:
    compiler()
    if shutil.which("make") is None:
        pytest.skip("no make; apt install make")
    command = ["make", "-C", str(FIRMWARE), f"BUILD={tmp_path}", "all", "size", "time"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "imusic_hub_host").exists()
    assert re.search(r"12 units: 178 bytes, [\d.]+ us", done.stdout)


def test_the_budget_on_the_page() -> None:
    page = (FIRMWARE / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \| ([\d.]+) ms \| ([\d.]+) % \|$", page, re.MULTILINE)
    assert [int(row[0]) for row in rows] == [1, 6, 12, 24]
    for units, size, line_ms, share in rows:
        n = int(units)
        motion = np.full((n, 3), 257, np.int16)
        sample = p.Sample.from_arrays(1, 1, np.ones(n, np.uint8), gyro=motion, accel=motion)
        assert len(p.encode(sample)) == int(size)
        assert float(line_ms) == pytest.approx(int(size) * 1e4 / 921600, abs=0.006)
        assert float(share) == pytest.approx(int(size) * 1e5 / 921600, abs=0.06)


def test_the_build_of_the_ros_package_leaves_it_alone() -> None:
    assert "firmware" not in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
