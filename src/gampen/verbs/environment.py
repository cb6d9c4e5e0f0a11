"""What is installed: Python, what gampen needs, and what it can use beside."""

from __future__ import annotations

import importlib.metadata
import platform as machine
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gampen
from gampen.verbs.findings import Finding, Verdict

NAME = "gampen"
GIVES = {
    "cluster": "--cluster: the work on the machines of a Dask scheduler",
    "interchange": "gampen export to ArviZ and qp; corner plots",
    "mlflow": "--mlflow: training is followed in MLflow",
    "statmorph": "gampen simulate measures concentration, asymmetry, Gini ...",
}
"""What the optional extras are for."""

REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?>=(?P<least>[\d.]+)(?:; extra == ['\"](?P<extra>\w+)['\"])?"
)


@dataclass(frozen=True)
class Requirement:
    """A package that gampen needs, in this version or a later one; or that an extra needs."""

    name: str
    least: str
    extra: str | None

    @property
    def installed(self) -> str | None:
        """The version that is installed."""
        try:
            return importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return None

    @property
    def holds(self) -> bool:
        """Whether it is installed, and new enough."""
        return self.installed is not None and numbers(self.installed) >= numbers(self.least)

    @property
    def said(self) -> str:
        """What is there of it."""
        if self.holds:
            return f"{self.name} {self.installed}"
        return f"{self.name} {self.installed or 'not installed'} (must be {self.least} or newer)"


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with, to compare."""
    leading = re.match(r"\d+(?:\.\d+)*", version)
    parts = [int(part) for part in leading[0].split(".")] if leading else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def requirements() -> list[Requirement]:
    """What the installed gampen says that it requires."""
    lines = importlib.metadata.requires(NAME) or []
    found = [REQUIREMENT.fullmatch(line) for line in lines]
    return [Requirement(**match.groupdict()) for match in found if match]


def platform() -> Iterator[Finding]:
    """Python, the machine, and which gampen this is."""
    yield _python()
    yield Finding("environment", "platform", machine.platform(), facts={"cpu": machine.machine()})
    place = str(Path(gampen.__file__).parent)
    facts = {"version": gampen.__version__, "path": place}
    yield Finding("environment", NAME, f"{gampen.__version__} in {place}", facts=facts)


def _python() -> Finding:
    least = importlib.metadata.metadata(NAME)["Requires-Python"].removeprefix(">=")
    found = machine.python_version()
    enough = numbers(found) >= numbers(least)
    said = f"{found}, {sys.executable}" + ("" if enough else f" (must be {least} or newer)")
    verdict, advice = (Verdict.GOOD, "") if enough else (Verdict.FAULT, f"install Python {least}")
    facts = {"version": found, "executable": sys.executable}
    return Finding("environment", "python", said, verdict, advice, facts)


def packages() -> Iterator[Finding]:
    """Everything that gampen needs to run, with versions."""
    for need in requirements():
        if need.extra is None:
            said = need.said.removeprefix(f"{need.name} ")
            verdict = Verdict.GOOD if need.holds else Verdict.FAULT
            advice = "" if need.holds else f"pip install '{need.name}>={need.least}'"
            facts = {"version": need.installed}
            yield Finding("packages", need.name, said, verdict, advice, facts)


def extras() -> Iterator[Finding]:
    """The optional extras: which are whole, what each gives, and how to install it."""
    wanted = requirements()
    for extra, gives in GIVES.items():
        yield _extra(extra, gives, [need for need in wanted if need.extra == extra])


def _extra(extra: str, gives: str, needs: list[Requirement]) -> Finding:
    facts = {need.name: need.installed for need in needs}
    if not needs:
        said = "this installation is older than the code, and knows of no such extra"
        return Finding("extras", extra, said, Verdict.NOTE, "install gampen anew")
    if all(need.holds for need in needs):
        there = ", ".join(need.said for need in needs)
        return Finding("extras", extra, f"{there}; {gives}", facts=facts)
    lacking = ", ".join(need.said for need in needs if not need.holds)
    advice = f"pip install 'gampen[{extra}]'"
    return Finding("extras", extra, f"{lacking}; {gives}", Verdict.ABSENT, advice, facts)
