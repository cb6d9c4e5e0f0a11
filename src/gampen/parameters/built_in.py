"""The parameters that simulations know of, and which of them a run file asks for.

An elongation is sqrt(-ln q) (cos 2 theta, sin 2 theta) of the axis ratio q and the position angle
theta, counter-clockwise from +x of the image. It turns with the image, has no seam at half a turn
and none for a circle, where it is nought; and where q is uniform up to 1, it is normal with a
variance of 1/2, cut off at the flattest galaxy.
"""

from __future__ import annotations

from gampen.errors import UsageError
from gampen.parameters.space import Parameter, ParameterSpace
from gampen.settings import RunSettings, Scaling, Wave

INDICES = (0.3, 8.0)
WAVES = {Wave.COSINE: ("1", "cosine"), Wave.SINE: ("2", "sine")}

BULGE_TO_TOTAL = Parameter(
    "bulge_to_total",
    low=0,
    high=1,
    ucd="phot.flux;arith.ratio",
    description="flux of the bulge over flux of bulge and disk",
)
EFFECTIVE_RADIUS = Parameter(
    "effective_radius",
    low=0,
    unit="arcsec",
    scaling=Scaling.LENGTH,
    ucd="phys.angSize",
    description="radius of the circular aperture that holds half of the total PSF-free flux",
)
FLUX = Parameter(
    "flux",
    low=0,
    scaling=Scaling.FLUX,
    ucd="phot.flux",
    description="total PSF-free flux of bulge and disk, in the units of the image",
)
MORPHOLOGY = ParameterSpace((BULGE_TO_TOTAL, EFFECTIVE_RADIUS, FLUX))


def flux(part: str) -> Parameter:
    """The flux of a component."""
    return Parameter(
        f"{part}_flux",
        low=0,
        scaling=Scaling.FLUX,
        ucd="phot.flux",
        description=f"PSF-free flux of the {part}, in the units of the image",
    )


def semi_major_axis(name: str, whole: str) -> Parameter:
    """The radius of a profile along its major axis."""
    return Parameter(
        name,
        low=0,
        unit="arcsec",
        scaling=Scaling.LENGTH,
        ucd="phys.angSize.smajAxis",
        description=f"semi-major axis of the ellipse that holds half of the light of the {whole}",
    )


def shape(prefix: str, whole: str) -> tuple[Parameter, ...]:
    """The Sersic index, the axis ratio and the elongation of a profile."""
    low, high = INDICES
    elongations = (
        Parameter(
            f"{prefix}elongation_{number}",
            ucd="src.ellipticity",
            description=f"sqrt(-ln q) times the {wave} of twice the position angle of the {whole}",
            wave=kind,
        )
        for kind, (number, wave) in WAVES.items()
    )
    return (
        Parameter(
            f"{prefix}index",
            low=low,
            high=high,
            ucd="src.morph.param",
            description=f"Sersic index of the {whole}",
        ),
        Parameter(
            f"{prefix}axis_ratio",
            low=0,
            high=1,
            ucd="src.morph.param;arith.ratio",
            description=f"minor over major axis of the {whole}",
        ),
        *elongations,
    )


PARTS = ("bulge", "disk")
KNOWN = (
    *MORPHOLOGY,
    *(flux(part) for part in PARTS),
    *(semi_major_axis(f"{part}_effective_radius", part) for part in PARTS),
    *(parameter for part in PARTS for parameter in shape(f"{part}_", part)),
    semi_major_axis("semi_major_axis", "galaxy"),
    *shape("", "galaxy"),
)
BUILT_IN = {parameter.name: parameter for parameter in KNOWN}
"""Parameters that simulations know of, by name; `GalaxyModel.quantities` says of which galaxies."""


def space_of(run: RunSettings) -> ParameterSpace:
    """The parameters that a run file asks for; `UsageError` for one that nobody has told of."""
    own = {name: Parameter(name, **vars(told)) for name, told in run.parameter.items()}
    known = BUILT_IN | own
    unknown = [name for name in run.parameters if name not in known]
    if unknown:
        raise UsageError(
            f"parameters must be built in ({', '.join(BUILT_IN)}) or have a table "
            f"[parameter.NAME] of their own; got {', '.join(unknown)}"
        )
    return ParameterSpace(tuple(known[name] for name in run.parameters))
