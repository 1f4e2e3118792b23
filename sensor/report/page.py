"""The report as one HTML file: nothing is fetched, nothing runs but a pinned script that only adds comfort."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby

from sensor.report import html, words
from sensor.report.html import prose
from sensor.report.model import Day, Report

_SIMULATED = "Simulated data"


def to_html(report: Report) -> str:
    """Write a report as one self-contained HTML page.

    Parameters
    ----------
    report
        Which.

    Returns
    -------
    str
        The page; the same for the same report.
    """
    style, script = _asset("style.css"), _asset("script.js")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<title>{prose(report.title)}: {prose(report.period)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{style}</style>\n</head>\n<body>\n{''.join(_body(report))}<script>{script}</script>\n"
        "</body>\n</html>\n"
    )


def _asset(name: str) -> str:
    return (files("sensor.report") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The policy: the page's own style and script by their hashes, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_pin(style)}'; script-src '{_pin(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _pin(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _body(report: Report) -> Iterator[str]:
    mark = _SIMULATED if report.simulated else ""
    yield '<a class="skip" href="#main">Skip to the report</a>\n'
    if report.banner:
        yield f'<div class="banner" role="note"><strong>{prose(report.banner)}</strong></div>\n'
    yield (
        f'<header class="top">\n<h1>{prose(report.title)}</h1>\n<p class="period">{prose(report.period)}</p>\n'
        "</header>\n"
    )
    yield _contents(report)
    yield '<main id="main" tabindex="-1">\n'
    yield (
        '<section id="summary" aria-labelledby="summary-title">\n<h2 id="summary-title">In numbers</h2>\n'
        f'<ul class="amount">{"".join(f"<li>{prose(text)}</li>" for text in report.amount)}</ul>\n'
    )
    if report.figures:
        yield html.headline(report.figures)
        yield (
            '<p class="note">Small print below a number is its 95 % interval: were the same days lived through '
            "again, the number would be expected to lie there. It says nothing of what was never seen.</p>\n"
        )
    else:
        yield f"<p>{words.NOT_ENOUGH}</p>\n"
    yield "</section>\n"
    for section in report.sections:
        yield html.section(section, mark)
    yield from _days(report, mark)
    yield (
        '<section id="caveats" aria-labelledby="caveats-title">\n<p class="kicker">Caveats</p>\n'
        '<h2 id="caveats-title">What should be kept in mind?</h2>\n'
        f"{html.items(report.caveats)}</section>\n</main>\n"
    )
    yield f'<footer class="bottom">\n<p>Made with Blocktap. {prose(report.banner or "")}</p>\n</footer>\n'


def _contents(report: Report) -> str:
    links = [
        ("summary", "In numbers"),
        *((section.key, section.title) for section in report.sections),
        ("any-day", "Any one day"),
        ("caveats", "Caveats"),
    ]
    listed = "".join(f'<li><a href="#{key}">{prose(title)}</a></li>\n' for key, title in links)
    return f'<nav class="contents" aria-label="Contents">\n<ol>\n{listed}</ol>\n</nav>\n'


def _days(report: Report, mark: str) -> Iterator[str]:
    yield (
        '<section id="any-day" aria-labelledby="any-day-title">\n<p class="kicker">Any one day</p>\n'
        '<h2 id="any-day-title">What was used on one day?</h2>\n'
    )
    if not report.days:
        yield f"<p>{words.NOT_ENOUGH}</p>\n"
    else:
        yield "<p>Open a day to see what was used most on it.</p>\n"
    for month, days in groupby(report.days, key=_month):
        yield f"<h3>{prose(month)}</h3>\n"
        yield from (html.day(day, mark) for day in days)
    yield "</section>\n"


def _month(day: Day) -> str:
    return words.long_day(day.day).split(" ", 1)[1]
