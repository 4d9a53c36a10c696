"""How good a take is: findings, each with its grade, and the verdict in plain words that follows from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Grade(Enum):
    """Of one finding."""

    GOOD = "good"
    REMARK = "remark"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        about: what.
        grade: how good.
        text: what was found, in words.
    """

    about: str
    grade: Grade
    text: str


@dataclass(frozen=True)
class Verdict:
    """All findings of a take.

    Attributes:
        folder: of the take.
        findings: in the order in which they were looked at.
    """

    folder: Path
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing is bad."""
        return all(finding.grade is not Grade.BAD for finding in self.findings)

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        bad = [finding.about for finding in self.findings if finding.grade is Grade.BAD]
        remarks = [finding.about for finding in self.findings if finding.grade is Grade.REMARK]
        if bad:
            return f"Not as it should be: {', '.join(dict.fromkeys(bad))}."
        warnings = [finding.about for finding in self.findings if finding.grade is Grade.WARNING]
        if warnings:
            return f"To be used with care: look at {', '.join(dict.fromkeys(warnings + remarks))}."
        if remarks:
            return f"Good to use; look at {', '.join(dict.fromkeys(remarks))}."
        return "Good: whole, without loss."

    def to_json(self) -> str:
        """One JSON object."""
        findings = [{"about": f.about, "grade": f.grade.value, "text": f.text} for f in self.findings]
        told = {"take": str(self.folder), "usable": self.usable, "verdict": self.words, "findings": findings}
        return json.dumps(told, indent=2)
