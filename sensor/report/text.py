"""Words from the wire, made safe to look at: anybody may have chosen them."""

from __future__ import annotations

import html

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A spreadsheet takes a cell that begins so for something to compute."""


def visible(text: str) -> str:
    """The text with every character that has no look of its own written out, such as ``⟨U+202E⟩``.

    Among them are those that turn the direction of writing, with which a name can be made to look like another.
    """
    return "".join(one if one.isprintable() else f"⟨U+{ord(one):04X}⟩" for one in text)


def escaped(text: str) -> str:
    """The visible text for HTML, between tags or in a quoted attribute."""
    return html.escape(visible(text), quote=True)


def isolated(text: str) -> str:
    """The same as `escaped`, in an element that keeps its direction of writing to itself."""
    return f"<bdi>{escaped(text)}</bdi>"


def csv_cell(text: str) -> str:
    """The visible text as a cell of a CSV file that no spreadsheet computes."""
    if text.startswith(_FORMULA):
        text = f"'{text}"
    shown = visible(text)
    if any(one in shown for one in ',"'):
        return '"' + shown.replace('"', '""') + '"'
    return shown


def markdown_text(text: str) -> str:
    """The visible text for Markdown, where none of its characters means anything."""
    special = "\\`*_{}[]<>()#+-!|~&@:"
    return "".join(f"\\{one}" if one in special and one not in "-+():@" else one for one in visible(text))
