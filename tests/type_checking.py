"""The check that every annotated function of the package passes through while tests run."""

from beartype import BeartypeConf, beartype

# Python's own reading of the annotations: an int may stand where a float is asked for.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
