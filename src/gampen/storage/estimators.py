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

from gampen.errors import EstimatorError, reason_of
from gampen.storage.atomic import write_bytes

DIGEST = "sha256"
LARGEST_FILE = 2**30
"""[byte] Hundreds of the shipped ones."""

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

    `EstimatorError` where the file is missing, truncated, altered, too large or of another kind:
    nothing in it is run, and no tensor is read before gampen's own notes have been found.
    """
    path = Path(path)
    if not path.is_file():
        raise EstimatorError(f"the estimator file must exist; there is no file {path}")
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise EstimatorError(f"{path} must have at most {LARGEST_FILE} bytes; it has {size}")
        with safe_open(path, framework="pt") as file:
            metadata = parse_notes((file.metadata() or {}).get(ENTRY), path)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise EstimatorError(
            f"{path} must be a whole safetensors file; got: {reason_of(error)}"
        ) from None
    found = content_digest(tensors, {k: v for k, v in metadata.items() if k != DIGEST})
    if metadata.get(DIGEST) != found:
        raise EstimatorError(
            f"{path} must hold what was written; its content has been altered: get the file again"
        )
    return tensors, metadata


def parse_notes(entry: str | None, path: Path) -> dict[str, str]:
    """The metadata in a file's entry; `EstimatorError` where there is none."""
    if entry is None:
        raise EstimatorError(f"{path} must be a file written by gampen; it lacks gampen's metadata")
    try:
        pairs = json.loads(entry, object_pairs_hook=list)
    except (ValueError, RecursionError):  # it may be a nest a million deep
        pairs = None
    sound = isinstance(pairs, list) and all(
        isinstance(pair, tuple) and isinstance(pair[1], str) for pair in pairs
    )
    if not sound or len(dict(pairs)) < len(pairs):
        raise EstimatorError(
            f"{path} must hold what was written; its metadata have been altered: get the file again"
        )
    return dict(pairs)


def content_digest(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> str:
    """The SHA-256 over the tensors' names, types, shapes and bytes, and the metadata."""
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
