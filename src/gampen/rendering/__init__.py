"""Light profiles to pixels: batched, differentiable, in Fourier space."""
