"""Draws of one galaxy as `corner` draws them, so that other samples can be laid over.

corner: Foreman-Mackey 2016, doi:10.21105/joss.00024.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gampen.errors import extra
from gampen.plotting.curves import Curve, marginal_curve
from gampen.plotting.style import LINE, MUTED, OUTLINE, styled
from gampen.posterior import Posterior
from gampen.prior import Prior

LEVELS = (0.6827, 0.9545)
PANEL = 2.0  # [inch]


@styled
def corner_figure(
    posterior: Posterior,
    galaxy: int = 0,
    draws: int = 20_000,
    seed: int = 0,
    prior: Prior | None = None,
    truth: Float[Tensor, " parameter"] | None = None,
) -> Figure:
    """One galaxy's joint draws, with the exact marginals over their histograms.

    With a `prior` the draws are weighted by its ratio to that of training, and the marginals are
    those of `Posterior.reweight`. Axes are in the units that their labels say.
    """
    with extra("interchange"):
        import corner
    one = posterior.select([galaxy])
    after = one if prior is None else one.reweight(prior, draws, seed)
    curves = [marginal_curve(after, 0, parameter) for parameter in one.space]
    values = one.sample(draws, seed)[:, 0]
    weights = None if prior is None else _weights(one, prior, values).numpy()
    units = torch.tensor([10.0**curve.exponent for curve in curves], dtype=torch.float64)
    side = 0.9 + PANEL * len(curves)
    figure = Figure(figsize=(side, side))
    corner.corner(
        (values / units).numpy(),
        weights=weights,
        fig=figure,
        labels=[curve.label for curve in curves],
        range=[curve.limits for curve in curves],
        truths=None if truth is None else (truth / units).tolist(),
        truth_color=OUTLINE,
        color=LINE,
        levels=LEVELS,
        smooth=1.0,
        bins=40,
        max_n_ticks=4,
        plot_datapoints=False,
        hist_kwargs={"density": True, "color": MUTED, "linewidth": 0.8},
    )
    _draw_marginals(figure, curves)
    return figure


def _weights(posterior: Posterior, prior: Prior, values: Float[Tensor, "draw parameter"]) -> Tensor:
    """The weights of draws under another prior; they sum to one."""
    ratio = prior.over(posterior.prior)
    columns = dict(zip(posterior.space.names, values.unbind(-1), strict=True))
    return torch.softmax(ratio(columns), dim=0)


def _draw_marginals(figure: Figure, curves: list[Curve]) -> None:
    """The exact densities on the diagonal."""
    for place, curve in enumerate(curves):
        axes = figure.axes[place * (len(curves) + 1)]
        axes.plot(curve.values, curve.density, color=LINE, linewidth=1.2)
        axes.set_ylim(0, 1.15 * float(curve.density.max()))
        axes.set_title(curve.summary)
