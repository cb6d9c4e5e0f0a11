"""Galaxies that were never seen: priors, surveys and scenes, rendered fresh."""
