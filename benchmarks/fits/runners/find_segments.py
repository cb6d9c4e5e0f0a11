"""Detected and deblended objects of each image, by SExtractor's algorithm (Barbary 2016).

`find_segments.py IMAGES.npz OUT.npz`; reads `pixels` and `variance`, writes `segments`.
"""

from __future__ import annotations

import sys

import numpy as np
import sep

THRESHOLD = 1.5  # [sigma]
LEAST_AREA = 5  # [pixel]
CONTRAST = 0.005  # of the light that a part must hold to be an object of its own


def segments_of(pixels: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Numbers of objects, 0 for sky."""
    _, segments = sep.extract(
        np.ascontiguousarray(pixels, dtype=np.float64),
        THRESHOLD,
        err=np.sqrt(np.median(variance)),
        minarea=LEAST_AREA,
        deblend_cont=CONTRAST,
        segmentation_map=True,
    )
    return segments


if __name__ == "__main__":
    with np.load(sys.argv[1]) as given:
        images = zip(given["pixels"], given["variance"], strict=True)
        found = np.stack([segments_of(*pair) for pair in images])
    np.savez_compressed(sys.argv[2], segments=found)
