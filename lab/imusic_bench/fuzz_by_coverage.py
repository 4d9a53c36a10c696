"""One target under atheris: `python -m imusic_bench.fuzz_by_coverage TARGET [options of libFuzzer] FOLDER`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def main(arguments: list[str]) -> None:
    """Fuzz until libFuzzer ends the process."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["imu_driver"]):
        targets = import_module("imusic_bench.fuzz_targets")
    name, *options = arguments
    target = targets.TARGETS[name]()
    # It takes no word but its options and the folder of inputs.
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
