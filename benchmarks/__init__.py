"""Measurements: time, memory and accuracy. None of them gates a test."""
