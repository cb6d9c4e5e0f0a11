"""Settings of a run, as frozen dataclasses: what a run file may say, with its defaults.

Ranges are `(low, high)` pairs.
"""

from gampen.settings.finetuning import (
    LOOKING,
    FinetuneSettings,
)
from gampen.settings.labels import (
    LabelSettings,
    SplitKind,
    SplitSettings,
)
from gampen.settings.network import (
    CropFreedom,
    CropPixels,
    NetworkSettings,
    PublishedSettings,
)
from gampen.settings.parameters import (
    DEFAULT_PARAMETERS,
    ParameterSettings,
    Scaling,
    Wave,
)
from gampen.settings.populations import (
    LOGARITHMIC,
    QUANTITIES,
    CatalogueSettings,
    HistogramSettings,
)
from gampen.settings.ranges import (
    ABOVE_ZERO,
    ANY,
    AXIS_RATIO,
    BULGE_TO_TOTAL,
    MOFFAT_SLOPE,
    NOISE_CORRELATION,
    NOT_NEGATIVE,
    SERSIC_INDEX,
    SHARE,
    SMALLEST_FRAME,
    Bounds,
    Range,
    check_ranges,
)
from gampen.settings.simulation import (
    Brightness,
    GalaxyModel,
    Measure,
    PriorSettings,
    PsfFamily,
    SceneSettings,
    SimulationSettings,
    SurveySettings,
)
from gampen.settings.tables import Schema
from gampen.settings.training import (
    RunSettings,
    TrainingSettings,
)

__all__ = [
    "ABOVE_ZERO",
    "ANY",
    "AXIS_RATIO",
    "BULGE_TO_TOTAL",
    "DEFAULT_PARAMETERS",
    "LOGARITHMIC",
    "LOOKING",
    "MOFFAT_SLOPE",
    "NOISE_CORRELATION",
    "NOT_NEGATIVE",
    "QUANTITIES",
    "SERSIC_INDEX",
    "SHARE",
    "SMALLEST_FRAME",
    "Bounds",
    "Brightness",
    "CatalogueSettings",
    "CropFreedom",
    "CropPixels",
    "FinetuneSettings",
    "GalaxyModel",
    "HistogramSettings",
    "LabelSettings",
    "Measure",
    "NetworkSettings",
    "ParameterSettings",
    "PriorSettings",
    "PsfFamily",
    "PublishedSettings",
    "Range",
    "RunSettings",
    "Scaling",
    "SceneSettings",
    "Schema",
    "SimulationSettings",
    "SplitKind",
    "SplitSettings",
    "SurveySettings",
    "TrainingSettings",
    "Wave",
    "check_ranges",
]
