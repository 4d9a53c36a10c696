"""`imusic doctor`: what `doctor` found, as text or as JSON. Needs nothing but Python itself."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict

from imusic_cli.doctor import Finding, examine, has_nodes
from imusic_cli.libraries import REQUIRED
from imusic_cli.usage import OneLineParser

WIDTH = 110


def doctor(arguments: Sequence[str]) -> int:
    """Say what is missing on this machine and what to do.

    Returns:
        0, or 1 if something required is missing.
    """
    parser = OneLineParser(prog="imusic doctor", description="Say what is missing here and what to do.")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    as_json = bool(parser.parse_args(arguments).json)
    findings = examine()
    ok = all(f.ok for f in findings if f.importance == REQUIRED)
    if as_json:
        print(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))  # noqa: T201
    else:
        print("\n".join(map(_line, findings)))  # noqa: T201
        ready = "Ready." if has_nodes() else "Ready for Python without ROS."
        print(ready if ok else "Something required is missing.")  # noqa: T201
    return 0 if ok else 1


def _line(finding: Finding) -> str:
    sign = "ok" if finding.ok else "MISSING" if finding.importance == REQUIRED else "optional"
    text = finding.found if finding.ok else f"{finding.found}\n-> {finding.advice}"
    begin, indent = f"{sign:<10}{finding.name:<16}", " " * 26
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH - len(indent)) or [""]]
    return begin + f"\n{indent}".join(lines)
