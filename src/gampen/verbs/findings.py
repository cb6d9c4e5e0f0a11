"""What an examination finds: one thing each, whether it holds, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

Fact = str | int | float | bool | None


class Verdict(Enum):
    """What is thought of a finding."""

    GOOD = "good"
    ABSENT = "absent"  # and not needed
    NOTE = "note"  # gampen works, not as well as it could
    FAULT = "fault"  # something that is needed does not hold


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what is said of it to a person, and its facts to programs."""

    section: str
    name: str
    said: str
    verdict: Verdict = Verdict.GOOD
    advice: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, object]:
        """All of it in plain types."""
        return {**vars(self), "verdict": self.verdict.value, "facts": dict(self.facts)}
