"""`imusic bench fuzz`: very many inputs through parsers and sessions; an exception, a hang or growth ends it.

Inputs are mutated from seeds by atheris, which is led by what code they reach, where that is installed (`pip install
atheris`; it needs a Python that it has a wheel for), and blindly otherwise.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from imusic_bench.fuzz_targets import TARGETS, Target
from imusic_cli.errors import CommandError

ENGINES: Final = ("atheris", "blind")
HANG_S: Final = 10.0
"""Processor time within which `_TOGETHER` inputs are done; they usually take less than a tenth of a second."""
GROWTH_KB: Final = 16 * 1024
"""More than this between a tenth of the inputs and their end is growth."""
MOST_BYTES: Final = 2048
"""Longest input: several times the longest packet of a face."""
_TOGETHER: Final = 500
_MOST_OUT_KB: Final = 50_000
_MOST_ATHERIS_MB: Final = 8192
"""atheris 3.0 never frees the arrays that comparisons under its eyes return, a kilobyte an input; so growth is for
blind mutations to find."""


@dataclass(frozen=True)
class Fuzzed:
    """What became of one target.

    Attributes:
        target: its name.
        engine: what made the inputs.
        inputs: taken without an exception or a hang.
        per_s: inputs per second of processor time.
        grown_kb: resident memory at the end beyond that after a tenth; None where the engine keeps inputs itself.
    """

    target: str
    engine: str
    inputs: int
    per_s: float
    grown_kb: int | None


def measure_fuzz(
    names: Sequence[str], inputs: int, seed: int = 0, engine: str = "", say: Callable[[str], object] = print
) -> list[Fuzzed]:
    """So many inputs through each target.

    Args:
        names: out of `TARGETS`.
        inputs: for each target.
        seed: of the mutations.
        engine: atheris, blind, or empty for the best that is installed.
        say: told of each target before it begins.

    Raises:
        CommandError: a target raised, hung or grew, with the input; or atheris is asked for and not installed.
    """
    engine = engine or ("atheris" if has_atheris() else "blind")
    if engine == "atheris" and not has_atheris():
        raise CommandError("expected atheris, found that it is not installed; `pip install atheris`")
    found = []
    for name in names:
        say(f"{name}: {inputs} inputs by {engine}")
        found.append(
            _by_atheris(name, inputs, seed) if engine == "atheris" else fuzz(name, TARGETS[name](), inputs, seed)
        )
    return found


def has_atheris() -> bool:
    """Whether it is installed here."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(name: str, target: Target, inputs: int, seed: int = 0) -> Fuzzed:
    """Blind mutations in this process.

    Raises:
        CommandError: as in `measure_fuzz`.
    """
    rng = random.Random(seed)
    seeds, process = target.seeds, psutil.Process()
    began_s, settled_kb = time.process_time(), 0
    for start in range(0, inputs, _TOGETHER):
        if not settled_kb and 10 * start >= inputs:
            settled_kb = process.memory_info().rss // 1024
        data = b""
        try:
            with _limited(HANG_S):
                for _ in range(min(_TOGETHER, inputs - start)):
                    data = mutated(rng, seeds)
                    target(data)
        except Exception as error:
            raise CommandError(f"{name}: {error!r} at or after input {start} of seed {seed}: {data.hex()}") from error
    took_s = time.process_time() - began_s
    grown_kb = process.memory_info().rss // 1024 - settled_kb
    if grown_kb > GROWTH_KB:
        raise CommandError(f"{name}: expected no growth, found {grown_kb} kB more after {inputs} inputs")
    return Fuzzed(name, "blind", inputs, inputs / took_s, grown_kb)


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One to four changes of a seed: bits, bytes, numbers at their limits, cuts, repetitions, parts of another seed."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        how = rng.randrange(8)
        if how == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1 and at < len(data):
            data[at] = rng.randrange(256)
        elif how == 2:
            size = rng.choice((1, 2, 4, 8))
            data[at : at + size] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80", b"\1")) * size
        elif how == 3:
            del data[at : at + rng.randrange(1, 17)]
        elif how == 4:
            data[at:at] = rng.randbytes(rng.randrange(1, 17))
        elif how == 5:
            data[at:at] = data[at : at + rng.randrange(1, 65)]
        elif how == 6:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other) + 1) :]
        elif how == 7 and data:
            data[0] = rng.randrange(256)
    return bytes(data[:MOST_BYTES])


class HungError(Exception):
    """Inputs took too long."""


@contextmanager
def _limited(cpu_s: float) -> Iterator[None]:
    """A block that raises `HungError` after so much processor time, whatever else the machine does."""

    def hung(_number: int, _frame: FrameType | None) -> None:
        raise HungError(f"expected {_TOGETHER} inputs within {cpu_s:g} s of processor time")

    before = signal.signal(signal.SIGPROF, hung)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _by_atheris(name: str, inputs: int, seed: int) -> Fuzzed:
    """libFuzzer ends the process that it runs in, so it gets one of its own."""
    with tempfile.TemporaryDirectory(prefix="imusic_fuzz_") as folder:
        for number, data in enumerate(TARGETS[name]().seeds):
            (Path(folder) / f"seed_{number}").write_bytes(data)
        before_s = os.times().children_user
        options = (
            f"-runs={inputs}",
            f"-seed={seed + 1}",
            f"-max_len={MOST_BYTES}",
            "-timeout=60",
            f"-rss_limit_mb={_MOST_ATHERIS_MB}",
        )
        command = [sys.executable, "-m", "imusic_bench.fuzz_by_coverage", name, *options, "-verbosity=0", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        took_s = max(os.times().children_user - before_s, 1e-3)
    if done.returncode:
        raise CommandError(f"{name}: atheris ended with {done.returncode}:\n{done.stderr[-_MOST_OUT_KB:]}")
    return Fuzzed(name, "atheris", inputs, inputs / took_s, None)
