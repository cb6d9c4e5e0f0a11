"""gampen against codes that fit light profiles: on the same pixels, with the true PSF and variance.

Three commands: `python -m benchmarks.fits.prepare` makes the galaxies, `python -m
benchmarks.fits.run CODE` fits them with one code in its own environment, `python -m
benchmarks.fits.score` compares. `docs/how-to/compare.md` says what is compared and how.
"""
