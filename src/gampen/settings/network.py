"""Settings of the network and of its crops."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gampen.errors import UsageError


class CropFreedom(Enum):
    """What the spatial transformer may do to the frame."""

    FIXED = "fixed"
    ZOOM = "zoom"
    ZOOM_SHIFT = "zoom_shift"
    AFFINE = "affine"


class CropPixels(Enum):
    """What the pixels of a crop on disk are: those that the network sees, or the image's own."""

    RESAMPLED = "resampled"
    ORIGINAL = "original"


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of the network."""

    crop: CropFreedom = CropFreedom.ZOOM
    crop_size: int = 64  # [pixel] side of the crop that the convolutions see
    views: tuple[float, ...] = (1.0,)  # shares of the crop's side: itself, and its middle again
    stem_stride: int = 2  # of the first convolution; each further width halves the map
    widths: tuple[int, ...] = (32, 64, 128)  # channels of each width
    blocks: int = 1  # residual blocks at each width
    hidden: int = 256  # units in each layer of the head
    components: int = 4  # Gaussians in the mixture
    dropout: float = 1e-3  # rate in the head's hidden layers
    map_dropout: float = 0.0  # rate before every convolution but the first, as in the original

    def __post_init__(self) -> None:
        """Refuse shapes that cannot be built."""
        if self.components < 1 or self.blocks < 0 or not self.widths:
            raise UsageError(
                "network: components must be at least 1, blocks at least 0, widths one or more; "
                f"got {self.components}, {self.blocks} and {self.widths}"
            )
        for name in ("dropout", "map_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"network: {name} must be in [0, 1); got {getattr(self, name)}")
        if (
            self.stem_stride < 1
            or self.views[:1] != (1.0,)
            or not all(0 < share <= 1 for share in self.views)
        ):
            raise UsageError(
                "network: stem_stride must be at least 1, views shares of the crop of which the "
                f"first is 1; got {self.stem_stride} and {self.views}"
            )
        if self.crop_size % self.shrinkage:
            raise UsageError(
                f"network: crop_size must be a multiple of {self.shrinkage}; got {self.crop_size}"
            )

    @property
    def shrinkage(self) -> int:
        """The crop's side over that of the last map."""
        return int(self.stem_stride * 2 ** (len(self.widths) - 1))


@dataclass(frozen=True)
class PublishedSettings:
    """What a published GaMPEN checkpoint does not say by the shapes of its tensors."""

    cutout_size: int  # [pixel] side of the square that its transformer takes
    dropout: float = 0.0  # rate before every convolution but the first, and between dense layers

    def __post_init__(self) -> None:
        """Refuse sides without pixels and rates that are none."""
        if self.cutout_size < 1 or not 0 <= self.dropout < 1:
            raise UsageError(
                "a published network must have a cutout_size above 0 and a dropout in [0, 1); "
                f"got {self.cutout_size} and {self.dropout}"
            )
