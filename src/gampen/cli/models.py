"""`gampen models`."""

from __future__ import annotations

from gampen.cli.application import START_OVER, command, out


@command(START_OVER)
def models() -> None:
    """List the estimators that come with the package."""
    from gampen.verbs.models import models as run

    for model in run():
        out.print(
            f"{model.name}: {', '.join(model.parameters)}; prior {model.survey}; "
            f"sha256 {model.sha256[:12]}",
            markup=False,
        )
