"""Tensors on disk: safetensors with a SHA-256 of all content, checked at every load.

Neither safetensors nor PyTorch's own files notice a flipped bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from gampen.errors import EstimatorError
from gampen.storage.atomic import write_bytes

DIGEST = "sha256"
ENTRY = "gampen"
"""All metadata is one JSON entry: safetensors writes several in no fixed order."""


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write named tensors and text metadata as one safetensors file, the same bytes each time."""
    stored = {name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
    given = {key: text for key, text in metadata.items() if key != DIGEST}
    notes = {**given, DIGEST: content_digest(stored, given)}
    entry = {ENTRY: json.dumps(notes, sort_keys=True)}
    write_bytes(safetensors.torch.save(stored, metadata=entry), Path(path))


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors and metadata of a file, the latter with the content's SHA-256 as `sha256`.

    `EstimatorError` where the file is missing, truncated, altered or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise EstimatorError(f"the estimator file must exist; there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            entries = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise EstimatorError(f"{path} must be a whole safetensors file; got: {error}") from None
    metadata = parse_notes(entries.get(ENTRY), path)
    found = content_digest(tensors, {k: v for k, v in metadata.items() if k != DIGEST})
    if metadata.get(DIGEST) != found:
        raise EstimatorError(f"{path} must hold what was written; its content has been altered")
    return tensors, metadata


def parse_notes(entry: str | None, path: Path) -> dict[str, str]:
    """The metadata in a file's entry; `EstimatorError` where there is none."""
    if entry is None:
        raise EstimatorError(f"{path} must be a file written by gampen; it lacks gampen's metadata")
    try:
        notes = json.loads(entry)
    except ValueError:
        notes = None
    if not isinstance(notes, dict):
        raise EstimatorError(f"{path} must hold what was written; its metadata have been altered")
    return {str(key): str(value) for key, value in notes.items()}


def content_digest(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> str:
    """The SHA-256 over the tensors' names, types, shapes and bytes, and the metadata."""
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
