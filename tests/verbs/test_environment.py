"""Versions and requirements are read as pip reads them, as far as this package writes them."""

import importlib.metadata

from packaging.requirements import Requirement as Oracle
from packaging.version import Version

from gampen.verbs.environment import GIVES, REQUIREMENT, numbers, requirements
from packaged import project, requirement_lines


def test_every_requirement_of_the_project_is_understood(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: requirement_lines())
    found = {(need.name, need.least, need.extra) for need in requirements()}
    assert len(requirements()) == len(requirement_lines())
    for line in requirement_lines():
        oracle = Oracle(line)
        (specifier,) = oracle.specifier
        extra = str(oracle.marker).split('"')[1] if oracle.marker else None
        assert (oracle.name, specifier.version, extra) in found


def test_what_an_installation_writes_is_understood():
    lines = importlib.metadata.requires("gampen")
    assert [line for line in lines if not REQUIREMENT.fullmatch(line)] == []


def test_versions_are_compared_by_their_numbers():
    versions = ["1.9.3", "1.26", "2.0.0rc1", "2.13.0+cpu", "2025.1", "2026.9.0"]
    assert sorted(versions, key=numbers) == sorted(versions, key=Version)
    assert numbers("18.0") == numbers("18") == (18,)
    assert numbers("nonsense") == ()


def test_every_optional_extra_of_users_is_explained():
    assert sorted(GIVES) == sorted({*project()["optional-dependencies"]} - {"dev", "docs"})
