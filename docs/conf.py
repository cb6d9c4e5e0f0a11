"""How the documentation is built: `make docs`."""

project = "gampen"
author = "The gampen developers"
extensions = ["myst_nb", "sphinx.ext.mathjax"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["build"]
html_theme = "furo"
html_title = "gampen"

# Pages with code cells are run when they are built: a cell that fails, fails the build.
nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # [second] for each cell
nb_merge_streams = True
