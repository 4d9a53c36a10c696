"""The folder of a run: what was trained on what, log, curves, a checkpoint for each stage. No file is half written."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from face_inference.errors import InferenceError

RECORD = "run.json"
LOG = "log.jsonl"
CURVES = "curves.png"


@dataclass(frozen=True)
class RunFolder:
    """Paths and files of one run. Where `writes` is False, nothing is ever written: another process does it."""

    path: Path
    writes: bool = True

    def open(self, identity: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Write what this run is, or check that it is the one already there.

        Args:
            identity: what decides the result; a folder of another run is refused.
            facts: what else to record.

        Raises:
            InferenceError: the folder holds a run of another identity.
        """
        path = self.path / RECORD
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            differing = [key for key, value in identity.items() if found.get(key) != json.loads(json.dumps(value))]
            if differing:
                raise InferenceError(
                    f"expected {self.path} to hold this run, found one with another {' and '.join(differing)}; "
                    "give another run folder or remove this one"
                )
        elif self.writes:
            self.path.mkdir(parents=True, exist_ok=True)
            record = {
                **identity,
                **facts,
                "git_revision": git_revision(),
                "torch": torch.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
            }
            self._write(path, json.dumps(record, indent=2).encode())

    def checkpoint(self, stage: str) -> Path:
        """Where a stage's checkpoint is or will be."""
        return self.path / f"{stage}.pt"

    def save(self, stage: str, content: Mapping[str, Any]) -> None:
        """Replace a stage's checkpoint."""
        if self.writes:
            part = self.checkpoint(stage).with_suffix(".part")
            torch.save(dict(content), part)
            part.replace(self.checkpoint(stage))

    def load(self, stage: str) -> dict[str, Any] | None:
        """A stage's checkpoint on the CPU; None where there is none."""
        path = self.checkpoint(stage)
        return dict(torch.load(path, map_location="cpu", weights_only=True)) if path.is_file() else None

    def entries(self) -> Iterator[dict[str, Any]]:
        """Lines of the log; one that was cut off when the run was killed is passed over."""
        path = self.path / LOG
        if not path.is_file():
            return
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def cut_log(self, stage: str, step: int) -> None:
        """Forget what a killed run logged of `stage` at `step` and later: it will be done again."""
        if self.writes and (self.path / LOG).is_file():
            kept = [entry for entry in self.entries() if entry["stage"] != stage or entry["step"] < step]
            self._write(self.path / LOG, "".join(json.dumps(entry) + "\n" for entry in kept).encode())

    def log(self, entries: list[dict[str, Any]]) -> None:
        """Append lines, each with `stage` and `step`."""
        if self.writes:
            with (self.path / LOG).open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(entry) + "\n" for entry in entries))

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        part.replace(path)


def git_revision() -> str | None:
    """Revision of the checkout this file is in; None where there is none."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
