"""A chart becomes a piece of the page: drawn once, without styles, with the page's colours and words to read.

The page's policy allows no style attribute, so everything is a presentation attribute or a class.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from sensor.report import charts
from sensor.report.model import Chart
from sensor.report.text import visible

WIDTHS = {"wide": 680, "narrow": 330}
"""Widths in pixels: for a page on a desk, and for one on a phone. The page shows one of the two."""
_ROLES = {
    charts.INK: "ink", charts.SOFT: "soft", charts.LINE: "line", charts.FIRST: "first",
    charts.SECOND: "second", charts.BAND: "band", charts.PAPER: "paper",
}  # fmt: skip
_SVG = "{http://www.w3.org/2000/svg}"
_DROPPED = ("role", "aria-roledescription", "aria-hidden", "class", "style", "font-family", "pointer-events")
_LONG_FRACTION = re.compile(r"(\d+\.\d{2})\d+")


def drawings(chart: Chart) -> str:
    """The chart in every width, for the page to choose from.

    Parameters
    ----------
    chart
        Which.

    Returns
    -------
    str
        SVG elements that can stand in HTML.
    """
    return "".join(_drawing(chart, name, chart.specify(width)) for name, width in WIDTHS.items())


def _drawing(chart: Chart, size: str, specified: Any) -> str:
    import vl_convert

    root = ET.fromstring(vl_convert.vegalite_to_svg(specified.to_dict()))  # noqa: S314 - our own drawing
    for element in root.iter():
        _clean(element)
    _name_clips(root, f"{chart.key}-{size}")
    _prune(root)
    identity = f"chart-{chart.key}-{size}"
    root.attrib = {
        "class": f"chart {size}", "role": "img", "aria-labelledby": f"{identity}-title",
        "aria-describedby": f"{identity}-text", "width": root.get("width", ""), "height": root.get("height", ""),
        "viewBox": root.get("viewBox", ""),
    }  # fmt: skip
    for tag, name, text in (("desc", "text", chart.description), ("title", "title", chart.title)):
        element = ET.Element(_SVG + tag, {"id": f"{identity}-{name}"})
        element.text = visible(text)
        root.insert(0, element)
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    return ET.tostring(root, encoding="unicode").replace(' xmlns="http://www.w3.org/2000/svg"', "")


def _clean(element: ET.Element) -> None:
    """Take away what only the renderer needs; colours become classes, labels become titles."""
    label = element.attrib.pop("aria-label", None)
    symbol = element.get("role") == "graphics-symbol" and element.get("aria-roledescription") != "axis"
    for name in _DROPPED:
        element.attrib.pop(name, None)
    roles = []
    for paint in ("fill", "stroke"):
        role = _ROLES.get(element.get(paint, ""))
        if role is not None:
            del element.attrib[paint]
            roles.append(f"{paint}-{role}")
    if roles:
        element.set("class", " ".join(roles))
    for name, value in element.attrib.items():
        if name in {"d", "transform", "x2", "y2", "width", "height"} and element.tag != f"{_SVG}svg":
            element.set(name, _LONG_FRACTION.sub(r"\1", value))
    if label and symbol:
        title = ET.Element(_SVG + "title")
        title.text = label
        element.insert(0, title)


def _name_clips(root: ET.Element, prefix: str) -> None:
    """Make identifiers unique in a page with many drawings."""
    for element in root.iter():
        if "id" in element.attrib:
            element.set("id", f"{prefix}-{element.get('id')}")
        clip = element.get("clip-path")
        if clip:
            element.set("clip-path", clip.replace("url(#", f"url(#{prefix}-"))


def _prune(element: ET.Element) -> None:
    """Drop paths that draw nothing, and groups that hold nothing."""
    for child in list(element):
        if child.tag == f"{_SVG}defs":
            continue
        _prune(child)
        hidden = child.get("display") == "none"
        empty = child.tag == f"{_SVG}g" and len(child) == 0
        blank = child.tag == f"{_SVG}path" and not child.get("class") and child.get("fill") in {None, "none"}
        if hidden or empty or blank:
            element.remove(child)
