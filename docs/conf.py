"""How the documentation is built: `make docs`, or `make docs-full` at full sizes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "gampen"
author = "The gampen developers"
# In docs/_ext.
own = ["citation", "mathml", "modules", "options", "settings", "sizes", "streams", "workplace"]
extensions = ["myst_nb", *own]
html_math_renderer = "mathml"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
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

# Docstrings are prose: what stands in `backticks` is code, and a link where it names something.
default_role = "py:obj"
# Every type of ours that a signature names must be in the reference; other libraries' pages are not
# fetched, and type variables have none.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", r".*"),
    ("py:class", r"(?!gampen\.).*"),
    ("py:class", r"gampen\..*\.(Item|Kind|Made|Part|Result|Settings|Task)"),
]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_default_options = {"show-inheritance": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
