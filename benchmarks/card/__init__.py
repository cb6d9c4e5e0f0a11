"""The figures of an estimator's card: truth, sharpness, surveys, rotation, in one command."""
