"""`gampen models`: the estimators that come with the package."""

from __future__ import annotations

from dataclasses import dataclass

from gampen.estimator import Estimator
from gampen.shipped import shipped_names


@dataclass(frozen=True)
class Model:
    """A shipped estimator in a line."""

    name: str
    parameters: tuple[str, ...]
    survey: str
    sha256: str


def models() -> list[Model]:
    """Every shipped estimator."""
    return [_model(name) for name in shipped_names()]


def _model(name: str) -> Model:
    estimator = Estimator.load(name)
    digest = estimator.provenance.get("sha256", "")
    return Model(name, estimator.space.names, estimator.simulations.survey.name, digest)
