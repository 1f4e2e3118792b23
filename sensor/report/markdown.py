"""The report as Markdown: for a repository, a mail, or any tool that takes text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sensor.report.model import Day, Figure, Report, Section, Table
from sensor.report.table import in_words, is_numeric
from sensor.report.text import markdown_text

_MOST_ROWS = 20
"""Longer tables are cut; the page and the numbers have all rows."""


def to_markdown(report: Report) -> str:
    """Write a report as Markdown, without charts.

    Parameters
    ----------
    report
        Which.
    """
    parts = [f"# {markdown_text(report.title)}", markdown_text(report.period)]
    if report.banner:
        parts.append(f"> **{markdown_text(report.banner)}**")
    parts += ["## In numbers", markdown_text(", ".join(report.amount)) + "."]
    if report.figures:
        parts.append("\n".join(map(_figure, report.figures)))
    for section in report.sections:
        parts += _section(section)
    parts += ["## Any one day", *_days(report.days)]
    parts += ["## What should be kept in mind?", _items(report.caveats)]
    return "\n\n".join(parts) + "\n"


def _figure(figure: Figure) -> str:
    more = "; ".join(text for text in (figure.interval, figure.remark) if text)
    line = f"{figure.value} ({more})" if more else figure.value
    return f"- **{markdown_text(line)}** {markdown_text(figure.label)}"


def _items(texts: Iterable[str]) -> str:
    return "\n".join(f"- {markdown_text(text)}" for text in texts)


def _section(section: Section) -> Iterator[str]:
    yield f"## {markdown_text(section.question)}"
    yield from (markdown_text(text) for text in section.means)
    if section.changes:
        yield "**This changes when something is left out or counted in another way:**"
        yield _items(section.changes)
    if section.cannot:
        yield "What this cannot mean:"
        yield _items(section.cannot)
    for table in section.tables:
        yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    shown = table.rows[:_MOST_ROWS]
    cut = f" (the first {len(shown)} of {len(table.rows)} rows)" if len(table.rows) > len(shown) else ""
    yield f"**{markdown_text(table.caption)}**{cut}"
    head = "| " + " | ".join(markdown_text(column.title) for column in table.columns) + " |"
    line = "| " + " | ".join("---:" if is_numeric(column) else "---" for column in table.columns) + " |"
    yield "\n".join([head, line, *(_row(row, table) for row in shown)])


def _row(row: tuple[Any, ...], table: Table) -> str:
    cells = (
        markdown_text(in_words(value, column.kind)) for value, column in zip(row, table.columns, strict=True)
    )
    return "| " + " | ".join(cells) + " |"


def _days(days: Iterable[Day]) -> list[str]:
    told = []
    for day in days:
        used = "; ".join(
            f"{table.columns[0].title}: {', '.join(row[0] for row in table.rows)}" for table in day.tables
        )
        told.append(f"- {markdown_text(day.says)}. {markdown_text(used)}".rstrip())
    return ["\n".join(told)] if told else ["Not enough data to answer this."]
