"""Refuse a checkout whose path ROS 2's build tools cannot take, before anything is downloaded."""

import re
import sys

# rosidl's CMake reads paths as ASCII and splits them at colons and semicolons; ament's scripts put them between quotes.
TAKEN = r"[A-Za-z0-9 _./+@=~%-]"


def main(path):
    """Exit with one line where `path` has other characters."""
    found = sorted(set(re.sub(TAKEN, "", path)))
    if found:
        shown = " ".join(c if c.isprintable() else repr(c) for c in found)
        sys.exit(
            "imusic: expected a checkout path of ASCII letters, digits, spaces and _ . / + @ = ~ % -, as ROS 2's "
            f"build tools take no others, found {shown} in {path}; move the checkout"
        )


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.stderr.reconfigure(errors="backslashreplace")
    main(sys.argv[1])
