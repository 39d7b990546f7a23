"""The documentation site: `sphinx-build -W docs OUT` (pip install 'experts-xnas[docs]')."""

from __future__ import annotations

import re
from typing import Any

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

project = "experts-xnas"
author = "the authors of experts-xnas"
html_title = "experts-xnas"
html_theme = "furo"
html_show_sphinx = False
html_math_renderer = "mathml"
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {"font-stack": "system-ui, sans-serif"},
}

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["*.py"]
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

napoleon_google_docstring = False
napoleon_use_rtype = False
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": False}
add_module_names = False
suppress_warnings = ["ref.python"]  # words of a type, as in (low, high), are no references


def setup(app: Any) -> None:
    """Docstrings are read as they are written: with formulas such as B**2 and |l|."""
    app.connect("autodoc-process-docstring", _escape)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))


def _inline(translator: Any, node: Any) -> None:
    """A formula as MathML: browsers draw it without a script from elsewhere."""
    translator.body.append(convert(node.astext()))
    raise SkipNode


def _block(translator: Any, node: Any) -> None:
    translator.body.append(f"<div>{convert(node.astext(), display='block')}</div>")
    raise SkipNode


def _escape(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Stars and bars outside of code are no markup, but for **Words** in bold; in place."""
    lines[:] = [
        "".join(part if i % 2 else _plain(part) for i, part in enumerate(re.split(CODE, line)))
        for line in lines
    ]


CODE = r"(``.+?``)"


def _plain(text: str) -> str:
    text = re.sub(r"(?<=[\w)}'])\*\*(?=[\w({])", r"\*\*", text).replace("|", r"\|")
    for stars in (r"(?<!\\)\*\*", r"(?<![\\*])\*(?=\w)"):
        if len(re.findall(stars, text)) % 2:  # not a pair around words
            text = re.sub(stars, lambda found: "".join(rf"\{star}" for star in found[0]), text)
    return text
