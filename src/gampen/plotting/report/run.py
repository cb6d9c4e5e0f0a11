"""What a page says of the run behind a catalogue: all of it from the catalogue itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping

from gampen.catalog import Catalog
from gampen.cutouts import FLAG_DESCRIPTIONS
from gampen.plotting.style import words_of
from gampen.posterior import Posterior

LABELS = {
    "gampen_version": "gampen",
    "estimator": "estimator",
    "estimator_sha256": "estimator's SHA-256",
    "passes": "Monte Carlo passes",
    "seed": "seed",
}
OTHERWISE_SHOWN = {"flags", "posterior", "training_prior"}


def flags_of(catalog: Catalog) -> dict[int, tuple[str, str]]:
    """Each flag's bit with its name and meaning, as the catalogue's metadata have them."""
    known = {int(flag): (str(flag.name), said) for flag, said in FLAG_DESCRIPTIONS.items()}
    if "flags" not in catalog.metadata:
        return known
    found = json.loads(catalog.metadata["flags"])
    pairs = ((key.partition(" "), said) for key, said in found.items())
    return {int(bit): (name, str(said)) for (bit, _, name), said in pairs}


def run_of(
    catalog: Catalog, posterior: Posterior, name: str, pictured: int, why_no_picture: str
) -> dict[str, object]:
    """What the page's template is told of the run."""
    found, total = len(posterior), len(catalog)
    metadata = catalog.metadata
    return {
        "title": name,
        "version": metadata.get("gampen_version", ""),
        "found": found,
        "pictured": pictured,
        "why_no_pictures": why_no_picture,
        "lede": lede(metadata),
        "figures": list(figures(catalog, found, total, pictured)),
        "facts": list(facts(catalog, posterior)),
        "blocks": list(blocks(metadata)),
    }


def lede(metadata: Mapping[str, str]) -> str:
    """The run in a sentence."""
    digest = metadata.get("estimator_sha256", "")[:12]
    told = [
        f"estimator {metadata['estimator']}" if metadata.get("estimator") else "",
        f"SHA-256 {digest}…" if digest else "",
        f"{metadata['passes']} Monte Carlo passes" if metadata.get("passes") else "",
        f"seed {metadata['seed']}" if metadata.get("seed") else "",
        f"gampen {metadata['gampen_version']}" if metadata.get("gampen_version") else "",
    ]
    said = [part for part in told if part]
    return "  ·  ".join(said) or "The catalogue does not say how it came about."


def figures(catalog: Catalog, found: int, total: int, pictured: int) -> Iterator[dict[str, str]]:
    """The few numbers at the top."""
    yield figure("galaxies", f"{total:,}")
    missing = total - found
    note = f"{missing:,} without" if missing else ""
    yield figure("with a posterior", f"{found:,}", note)
    if "flags" in catalog:
        flagged = int((catalog["flags"].numbers() > 0).sum())
        yield figure("flagged", f"{flagged:,}", f"{100 * flagged / max(1, total):.1f} %")
    yield figure("with pictures", f"{pictured:,}")


def figure(label: str, value: str, note: str = "") -> dict[str, str]:
    """One number with what it counts."""
    return {"label": label, "value": value, "note": note}


def facts(catalog: Catalog, posterior: Posterior) -> Iterator[dict[str, str]]:
    """What is known of the run, one fact after the other."""
    metadata = catalog.metadata
    for key, label in LABELS.items():
        if metadata.get(key):
            yield {"label": label, "value": metadata[key]}
    yield {"label": "parameters", "value": ", ".join(map(words_of, posterior.space.names))}
    yield {"label": "mixture components", "value": str(posterior.mixture.components)}
    for name, law in posterior.prior.laws.items():
        yield {"label": f"prior of {words_of(name)}", "value": words_of_law(law)}
    for key, value in metadata.items():
        if key not in LABELS and key not in OTHERWISE_SHOWN:
            yield {"label": words_of(key), "value": value}


def words_of_law(law: object) -> str:
    """A law with its finite limits, as it is written in a line."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(law).__name__).lower()
    values = {key: value for key, value in vars(law).items() if isinstance(value, float | int)}
    limits = [f"{key} {value:g}" for key, value in values.items() if math.isfinite(value) and value]
    return ", ".join([kind, *limits])


def blocks(metadata: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What is too long for a line, to be folded out."""
    if metadata.get("training_prior"):
        text = json.dumps(json.loads(metadata["training_prior"]), indent=2)
        yield {"label": "The simulation that the estimator was trained on", "text": text}
