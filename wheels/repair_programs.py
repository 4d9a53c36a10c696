"""Give installed programs a first line that works where the path of Python has a space or is long.

setuptools writes `#!"/a path/python"`, which no kernel reads. What stands here instead is what pip writes: a shell runs
Python on the file, and to Python the same two lines are a string.
"""

import sys
from pathlib import Path

LONGEST = 127
"""Bytes of a first line that every kernel reads, `#!` included."""


def main(folder):
    """Rewrite the programs in `folder` that need it."""
    for program in sorted(Path(folder).iterdir()):
        first, _, rest = program.read_bytes().partition(b"\n")
        python = first.removeprefix(b"#!").strip().strip(b'"')
        if not first.startswith(b"#!") or (b" " not in python and len(first) <= LONGEST):
            continue
        lines = [b"#!/bin/sh", b"'''exec' \"" + python + b'" "$0" "$@"', b"' '''", rest]
        program.write_bytes(b"\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1])
