"""gampen: the posterior of every galaxy's morphology, from its image."""

__version__ = "0.1.0.dev0"
