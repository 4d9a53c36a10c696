"""Refuse a Python that ROS 2's wheels do not exist for, before anything is installed."""

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"imusic: expected Python 3.10 to 3.13, found {sys.version.split()[0]} at {sys.executable}; "
        "choose another with: make PYTHON=python3.12 ..."
    )
