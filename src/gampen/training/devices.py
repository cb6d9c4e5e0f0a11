"""Where a network is fitted: the one place where lightning-fabric is set up."""

from __future__ import annotations

from lightning_fabric import Fabric

from gampen.errors import UsageError, reason_of
from gampen.network.devices import usable_device


def fabric_for(name: str) -> Fabric:
    """A Fabric of one device, such as `cpu` or `cuda:1`; `UsageError` where it is not there."""
    kind, place = usable_device(name).type, name.partition(":")[2]
    try:
        return Fabric(accelerator=kind, devices=[int(place)] if place and kind != "cpu" else 1)
    except (RuntimeError, ValueError, TypeError) as error:
        reason = reason_of(error)
        raise UsageError(f"device must be one to train on; got {name!r}: {reason}") from None
