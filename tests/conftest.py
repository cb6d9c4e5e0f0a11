"""Every test runs with shapes and types checked, one thread, and the same seeds."""

import os

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

# Before the first import of the package: its annotated functions check shapes from here on.
install_import_hook("gampen", "type_checking.checked")

settings.register_profile(
    "gampen",
    derandomize=True,
    deadline=None,
    max_examples=50,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gampen")
