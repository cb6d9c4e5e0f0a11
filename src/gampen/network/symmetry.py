"""The eight symmetries of the square: turns by quarters, and their mirror images."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Symmetry:
    """Swap the axes or not, then mirror along x or not, then along y or not."""

    swap: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def of(self, planes: Tensor) -> Tensor:
        """Images [... height width] seen so; a swap changes their shape where it is not square."""
        planes = planes.mT if self.swap else planes
        axes = [axis for axis, mirror in ((-1, self.mirror_x), (-2, self.mirror_y)) if mirror]
        return planes.flip(axes) if axes else planes

    def point(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Where a point goes, counted from the centre."""
        x, y = (y, x) if self.swap else (x, y)
        return (-x if self.mirror_x else x), (-y if self.mirror_y else y)

    def angle(self, degrees: Tensor) -> Tensor:
        """Where a direction [degree, counter-clockwise from +x] goes, up to half turns."""
        degrees = 90 - degrees if self.swap else degrees
        degrees = 180 - degrees if self.mirror_x else degrees
        return -degrees if self.mirror_y else degrees

    @property
    def mirrored(self) -> bool:
        """Whether right and left are exchanged, so that no turn leads back."""
        return self.swap ^ self.mirror_x ^ self.mirror_y

    def wave(self, wave: Tensor) -> Tensor:
        """Where cosine and sine of twice an angle [... 2] go, and whence they came: it is one."""
        cosine = -1.0 if self.swap else 1.0
        sine = -1.0 if self.mirror_x ^ self.mirror_y else 1.0
        return wave * wave.new_tensor([cosine, sine])


SYMMETRIES = tuple(
    Symmetry(swap, mirror_x, mirror_y)
    for swap in (False, True)
    for mirror_x in (False, True)
    for mirror_y in (False, True)
)
