"""A store may hold next to nothing; every section says so instead of failing."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sensor.report import make_report, print_summary, to_html, to_markdown
from sensor.study import StudyOptions, study
from tests.report.parsed import parse
from tests.report.stores import flow, make_store

OPTIONS = StudyOptions(resamples=200)
FACEBOOK = {
    "name": "www.facebook.com", "service": "Facebook", "organisation": "Meta", "category": "social", "country": "IE",
}  # fmt: skip
STORES: dict[str, list[dict[str, Any]]] = {
    "empty": [],
    "one flow": [flow(0, **FACEBOOK)],
    "one flow without a name": [flow(0, name_source=None)],
    "nothing but scans": [flow(day, initiator="outside", answered=False) for day in range(3)],
    "one block": [flow(day + hour / 24, **FACEBOOK) for day in range(40) for hour in range(3)],
    "a hole": [flow(day, **FACEBOOK) for day in (0, 1, 2, 30, 31)],
    "a relay alone": [flow(day, block="exit", **FACEBOOK) for day in range(3)],
}


@pytest.fixture(params=STORES, ids=[name.replace(" ", "-") for name in STORES])
def found(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    return study(make_store(tmp_path / "store", STORES[request.param]), OPTIONS)


def test_every_view_copes(found: dict[str, Any]) -> None:
    report = make_report(found)
    page = parse(to_html(report))
    for section in page.all("section"):
        assert list(section.all("p")) or list(section.all("li")), section.attributes["id"]
    assert "imulated" not in page.whole_text().replace("simulated-", "")
    out = io.StringIO()
    print_summary(Console(file=out, width=80), report)
    text = "".join(section.whole_text() for section in page.all("section"))
    for view in (text, out.getvalue(), to_markdown(report)):
        assert not re.search(r"\b(nan|NaN|inf|None|null|undefined)\b", view)


def test_an_empty_store_says_that_it_is_empty(tmp_path: Path) -> None:
    report = make_report(study(make_store(tmp_path / "store", []), OPTIONS))
    assert report.figures == ()
    assert report.days == ()
    said = {section.key: " ".join(section.means) for section in report.sections}
    for key in ("blocks", "services", "countries", "time", "population", "sensitivity"):
        assert "Not enough data" in said[key], key
    assert "Nothing was seen" in said["data"]
    assert "does not say how many packets" in said["data"]


def test_relays_are_told_apart(tmp_path: Path) -> None:
    from sensor.rules import load_plan

    rules = tmp_path / "blocks.toml"
    rules.write_text(
        '[[block]]\nname = "exit"\nprefixes = ["203.0.113.0/24"]\nholder = "a provider"\nclaimed_country = ""\n'
        'registered_country = "US"\nconfidence = "medium"\nrole = "relay"\nnote = "an exit"\nsource = "a test"\n'
    )
    flows = [flow(day, block="exit", **FACEBOOK) for day in range(3)] + [
        flow(day, **FACEBOOK) for day in range(3)
    ]
    options = StudyOptions(resamples=200, blocks=load_plan([rules], []).blocks)
    report = make_report(study(make_store(tmp_path / "store", flows), options))
    relays = next(section for section in report.sections if section.key == "relays")
    assert relays.means[0].startswith("Through exit went 3 flows")
    assert parse(to_html(report))
