"""Pictures of cutouts, posteriors and their calibration, as matplotlib figures."""
