"""Distributions: mixtures, their densities, moments, quantiles and regions."""
