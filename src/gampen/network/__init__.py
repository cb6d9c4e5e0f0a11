"""From frames of pixels to a distribution: crop, features, mixture."""
