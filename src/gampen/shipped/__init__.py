"""What comes with the package: estimators, each with its card, and galaxies to try them on."""

from __future__ import annotations

from pathlib import Path

SUFFIX = ".safetensors"
"""Of an estimator's file."""


def folder() -> Path:
    """The folder that holds all of it."""
    return Path(__file__).parent


def shipped_names() -> list[str]:
    """The names of the estimators in the package."""
    return sorted(path.stem for path in folder().glob(f"*{SUFFIX}"))


def estimator_file(name: str) -> Path:
    """Where a shipped estimator of this name is, or would be."""
    return folder() / f"{name}{SUFFIX}"


def card_of(estimator: Path) -> Path | None:
    """The card beside an estimator's file, where there is one."""
    card = estimator.with_suffix(".md")
    return card if card.is_file() else None


def galaxies() -> Path:
    """Four real galaxies in the layout that every command reads."""
    return folder() / "hsc"
