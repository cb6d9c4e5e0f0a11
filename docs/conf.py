"""How the documentation is built: `make docs`, or `make docs-full` at full sizes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "gampen"
author = "The gampen developers"
extensions = ["myst_nb", "mathml", "sizes", "workplace"]
html_math_renderer = "mathml"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["build", "_ext"]
html_theme = "furo"
html_title = "gampen"
html_static_path = ["_static"]
html_css_files = ["gampen.css"]

# Pages with code cells are run when they are built. A cell that fails is a warning that shows its
# traceback, and warnings fail the build, after all pages have had their turn.
nb_execution_mode = "auto"
nb_execution_in_temp = True
nb_execution_show_tb = True
nb_execution_timeout = 600  # [second] for each cell
nb_merge_streams = True
