"""Fitting the network to fresh simulations."""
