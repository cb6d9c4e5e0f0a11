"""Ranges in settings: pairs of a low and a high end, and where they must lie."""

from __future__ import annotations

import math

from gampen.errors import UsageError

Range = tuple[float, float]
Bounds = tuple[float, float]

# A range may begin at the lower bound of what is allowed; the least number stands for "above 0".
ABOVE_ZERO: Bounds = (math.ulp(0.0), math.inf)
NOT_NEGATIVE: Bounds = (0.0, math.inf)
ANY: Bounds = (-math.inf, math.inf)
SHARE: Bounds = (0.0, 1.0)
AXIS_RATIO: Bounds = (0.05, 1.0)
BULGE_TO_TOTAL: Bounds = (1e-6, 1 - 1e-6)  # at 0 and 1 its logarithmic odds are infinite
SERSIC_INDEX: Bounds = (0.5, 6.0)  # the renderer's table
MOFFAT_SLOPE: Bounds = (1.2, 12.0)  # the renderer's table
NOISE_CORRELATION: Bounds = (0.0, 0.49)  # from 1/2 on some frequencies hold no noise at all
SMALLEST_FRAME = 16  # [pixel]


def check_ranges(kind: str, settings: object, allowed: dict[str, Bounds]) -> None:
    """`UsageError` for a range or a number that is out of its bounds, or a range upside down."""
    for name, (least, most) in allowed.items():
        value = getattr(settings, name)
        low, high = value if isinstance(value, tuple) else (value, value)
        if not (least <= low <= high <= most and math.isfinite(low) and math.isfinite(high)):
            bounds = "above 0" if (least, most) == ABOVE_ZERO else f"from {least:g} to {most:g}"
            order = ", its low end first" if isinstance(value, tuple) else ""
            raise UsageError(f"{kind}: {name} must be {bounds}{order}; got {value}")
