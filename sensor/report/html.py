"""Pieces of the page: sections, figures, tables. Every text goes through `escaped`."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from sensor.report.model import Column, Day, Figure, Kind, Section, Table
from sensor.report.svg import drawings
from sensor.report.table import csv, is_numeric, shown, sort_key
from sensor.report.text import escaped, isolated

_HIGHEST_ROWS = 12
"""Longer tables scroll within a box of their own."""


def prose(text: str) -> str:
    """A sentence; a number and its percent sign are not parted at the end of a line."""
    return escaped(text).replace(" %", "\u00a0%")


def paragraphs(texts: Iterable[str]) -> str:
    """Sentences as one paragraph each."""
    return "".join(f"<p>{prose(text)}</p>\n" for text in texts)


def items(texts: Iterable[str]) -> str:
    """Sentences as a list."""
    return "<ul>\n" + "".join(f"<li>{prose(text)}</li>\n" for text in texts) + "</ul>\n"


def headline(figures: Iterable[Figure]) -> str:
    """The numbers at the top, each with its interval below."""
    return '<dl class="figures">\n' + "".join(map(_headline, figures)) + "</dl>\n"


def _headline(figure: Figure) -> str:
    interval = f'<span class="interval">{prose(figure.interval)}</span>' if figure.interval else ""
    remark = f'<span class="remark">{prose(figure.remark)}</span>' if figure.remark else ""
    return (
        f"<div><dt>{prose(figure.label)}</dt>"
        f'<dd><span class="value">{prose(figure.value)}</span>{interval}{remark}</dd></div>\n'
    )


def section(one: Section, mark: str) -> str:
    """A question with its answer, and what stands behind it.

    Parameters
    ----------
    one
        The section.
    mark
        Words that stand below every chart and in the name of every file; empty for traffic that was seen.
    """
    parts = [
        f'<section id="{one.key}" aria-labelledby="{one.key}-title">\n',
        f'<p class="kicker">{prose(one.title)}</p>\n<h2 id="{one.key}-title">{prose(one.question)}</h2>\n',
        f'<div class="means">\n{paragraphs(one.means)}</div>\n' if one.means else "",
        _changes(one),
        *(
            f"<figure>\n{drawings(chart)}\n<figcaption>{prose(chart.title)}.{_marked(mark)}</figcaption>\n</figure>\n"
            for chart in one.charts
        ),
        f'<div class="cannot">\n<h3>What this cannot mean</h3>\n{items(one.cannot)}</div>\n'
        if one.cannot
        else "",
        *(behind(table, mark) for table in one.tables),
        "</section>\n",
    ]
    return "".join(parts)


def _marked(mark: str) -> str:
    return f' <span class="mark">{prose(mark)}.</span>' if mark else ""


def _changes(one: Section) -> str:
    if not one.changes:
        return ""
    title = "This changes when something is left out or counted in another way"
    return f'<div class="changes" role="note">\n<h3>{title}</h3>\n{items(one.changes)}</div>\n'


def behind(table: Table, mark: str) -> str:
    """A table that opens on demand, with its file."""
    return (
        f'<details class="table" id="table-{table.key}"><summary>Table: {prose(table.caption)}'
        f' <span class="size">({len(table.rows):,} {"row" if len(table.rows) == 1 else "rows"})</span></summary>\n'
        f'<p class="save">{download(table, mark)}</p>\n{_scrolled(table)}</details>\n'
    )


def download(table: Table, mark: str, *, short: bool = False) -> str:
    """A link that holds the table as a CSV file; it needs no script."""
    name = f"{'simulated-' if mark else ''}{table.key}.csv"
    # The mark of byte order tells spreadsheets that it is UTF-8.
    data = base64.b64encode(f"\ufeff{csv(table)}".encode()).decode()
    label, text = (f' aria-label="Save as CSV: {name}"', "CSV") if short else ("", f"Save as CSV ({name})")
    return f'<a download="{name}"{label} href="data:text/csv;charset=utf-8;base64,{data}">{text}</a>'


def _scrolled(table: Table) -> str:
    tall = " tall" if len(table.rows) > _HIGHEST_ROWS else ""
    return (
        f'<div class="scroll{tall}" role="region" tabindex="0" aria-label="{prose(table.caption)}">\n'
        f"{_table(table)}</div>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col"{_class(column)}>{prose(column.title)}</th>' for column in table.columns)
    rows = "".join(f"<tr>{_row(row, table.columns)}</tr>\n" for row in table.rows)
    return (
        f"<table>\n<caption>{prose(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _class(column: Column) -> str:
    return ' class="number"' if is_numeric(column) else ""


def _row(row: tuple[Any, ...], columns: tuple[Column, ...]) -> str:
    cells = []
    for number, (value, column) in enumerate(zip(row, columns, strict=True)):
        head = number == 0 and column.kind is Kind.TEXT
        tag, scope = ("th", ' scope="row"') if head else ("td", "")
        attributes = f"{scope}{_class(column)}{_sort(value, column)}"
        cells.append(f"<{tag}{attributes}>{_cell(value, column)}</{tag}>")
    return "".join(cells)


def _sort(value: Any, column: Column) -> str:
    """The number to sort by, where what is shown has a unit or an interval."""
    if column.kind in {Kind.TEXT, Kind.COUNT}:
        return ""
    return f' data-value="{sort_key(value, column.kind)}"'


def _cell(value: Any, column: Column) -> str:
    text, interval = shown(value, column.kind)
    if column.kind is Kind.TEXT:
        return isolated(text)
    return prose(text) + (f"<small>{prose(interval)}</small>" if interval else "")


def day(one: Day, mark: str) -> str:
    """A day that opens on demand."""
    tables = "".join(
        f'<div class="list">{_table(table)}<p>{download(table, mark, short=True)}</p></div>\n'
        for table in one.tables
    )
    return (
        f'<details class="day" id="day-{one.day}"><summary>{prose(one.says)}</summary>\n'
        f'<div class="lists">\n{tables}</div></details>\n'
    )
