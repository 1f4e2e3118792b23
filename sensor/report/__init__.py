"""The report: a study's numbers for a reader, as one HTML page, on a terminal or as Markdown.

A study's object becomes a `Report`: figures, sections and tables with the sentences that say what they mean.
The three views draw that; none of them computes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensor.report.build import make_report
    from sensor.report.markdown import to_markdown
    from sensor.report.model import Report
    from sensor.report.page import to_html
    from sensor.report.terminal import print_summary

__all__ = ["Report", "make_report", "print_summary", "to_html", "to_markdown"]

_PLACES = {
    "Report": "model", "make_report": "build", "print_summary": "terminal", "to_html": "page",
    "to_markdown": "markdown",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the view that somebody asks for: a summary on a terminal needs no charts."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
