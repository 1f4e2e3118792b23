"""The page stands on its own, reads whole, and can be found one's way in."""

import base64
import hashlib
import re
from typing import Any

import pytest

from sensor.report import Report
from sensor.report.changes import alike_in_bytes
from sensor.report.sections import SECTIONS
from tests.report.parsed import Element, parse


@pytest.fixture(scope="module")
def page(model_page: str) -> Element:
    return parse(model_page)


def pin(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy_of(page: Element) -> dict[str, str]:
    content = next(
        meta.attributes["content"] for meta in page.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    return dict(part.strip().split(" ", 1) for part in (content or "").split(";"))


class TestPolicy:
    def test_nothing_is_allowed_but_what_is_pinned(self, page: Element) -> None:
        styles, scripts = list(page.all("style")), list(page.all("script"))
        assert len(styles) == len(scripts) == 1
        assert policy_of(page) == {
            "default-src": "'none'", "style-src": pin(styles[0].text), "script-src": pin(scripts[0].text),
            "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
        }  # fmt: skip

    def test_no_attribute_needs_more(self, page: Element) -> None:
        for element in page.all():
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"]

    def test_nothing_leads_outside(self, page: Element, model_page: str) -> None:
        for element in page.all():
            for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                target = element.attributes.get(name)
                assert target is None or target.startswith(("#", "data:text/csv;", "data:,")), target
        assert "@import" not in model_page
        assert not re.search(r"url\((?!#)", model_page)

    def test_the_script_evaluates_nothing(self, page: Element) -> None:
        script = next(page.all("script")).text
        for word in (
            "eval(",
            "Function(",
            "innerHTML",
            "outerHTML",
            "document.write",
            "fetch(",
            "XMLHttpRequest",
        ):
            assert word not in script


class TestStructure:
    def test_language_title_and_landmarks(self, page: Element) -> None:
        assert next(page.all("html")).attributes["lang"] == "en"
        assert len(list(page.all("h1"))) == len(list(page.all("main"))) == 1
        assert next(page.all("nav")).attributes["aria-label"]
        assert list(page.all("header"))
        assert list(page.all("footer"))

    def test_a_section_for_each_question(self, page: Element, model_report: Report) -> None:
        ids = [section.attributes["id"] for section in page.all("section")]
        questions = [section.key for section in model_report.sections]
        assert ids == ["summary", *questions, "any-day", "caveats"]
        assert len(questions) == len(SECTIONS)

    def test_the_contents_lead_to_every_section(self, page: Element) -> None:
        links = [link.attributes["href"] for link in next(page.all("nav")).all("a")]
        assert links == [f"#{section.attributes['id']}" for section in page.all("section")]

    def test_identifiers_are_unique_and_found(self, page: Element) -> None:
        ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        for element in page.all():
            for name in ("aria-labelledby", "aria-describedby"):
                assert set((element.attributes.get(name) or "").split()) <= set(ids)
            href = element.attributes.get("href") or ""
            assert not href.startswith("#") or href[1:] in ids

    def test_every_chart_has_a_name_and_a_description(self, page: Element) -> None:
        charts = list(page.all("svg"))
        assert len(charts) > 20
        for chart in charts:
            assert chart.attributes["role"] == "img"
            assert chart.children[0].tag == "title"
            assert chart.children[0].text
            assert chart.children[1].tag == "desc"
            assert chart.children[1].text

    def test_charts_take_their_colours_from_the_page(self, page: Element) -> None:
        for chart in page.all("svg"):
            for element in chart.all():
                for name in ("fill", "stroke"):
                    assert element.attributes.get(name) in {None, "none", "transparent"}, element

    def test_marks_can_be_pointed_at(self, page: Element) -> None:
        chart = next(svg for svg in page.all("svg") if "chart-services-wide-title" in str(svg.attributes))
        titles = [title.text for title in chart.all("title")]
        assert any(re.fullmatch(r"Facebook: [\d.]+ % \([\d.]+ to [\d.]+ %\)", title) for title in titles)

    def test_every_table_says_what_it_is(self, page: Element) -> None:
        tables = list(page.all("table"))
        assert len(tables) > 20
        for table in tables:
            assert next(table.all("caption")).text
            for head in table.all("th"):
                assert head.attributes["scope"] in {"col", "row"}

    def test_tables_can_be_saved(self, page: Element) -> None:
        link = next(
            link for link in page.all("a") if link.attributes.get("download") == "simulated-services.csv"
        )
        data = base64.b64decode((link.attributes["href"] or "").split("base64,")[1]).decode("utf-8-sig")
        lines = data.splitlines()
        assert lines[0].startswith("rank,service,organisation,kind,flows,bytes,")
        assert '"share of flows, value","share of flows, low","share of flows, high"' in lines[0]
        assert lines[1].startswith("1,Facebook,Meta,social,")


class TestContent:
    def test_says_in_every_view_that_it_is_simulated(self, page: Element) -> None:
        assert "simulated" in next(page.all("title")).text
        assert "simulated" in next(page.all("h1")).text
        assert "Simulated data" in next(page.all("strong")).text
        for caption in page.all("figcaption"):
            assert "Simulated data" in caption.whole_text()
        for link in page.all("a"):
            assert (link.attributes.get("download") or "simulated").startswith("simulated")

    def test_the_amount_of_data_comes_first(self, page: Element, model_found: dict[str, Any]) -> None:
        summary = next(page.all("section")).whole_text()
        assert f"{model_found['volume']['flows']:,} flows" in summary
        assert "97 of 97 days with data" in summary
        assert "of packets lost" in summary.replace("\u00a0", " ")

    def test_headline_numbers_have_intervals(self, page: Element) -> None:
        figures = next(page.all("dl")).whole_text().replace("\u00a0", " ")
        assert re.search(r"[\d.]+ %[\d.]+ to [\d.]+ %", figures)
        assert "India" in figures

    def test_what_changes_stands_beside_the_claim(self, page: Element, model_found: dict[str, Any]) -> None:
        changed = [one for one in model_found["sensitivity"] if not (one["holds"] and alike_in_bytes(one))]
        countries = next(one for one in page.all("section") if one.attributes["id"] == "countries")
        text = countries.whole_text().replace("\u00a0", " ")
        assert changed
        assert any(one["finding"] == "share of IN" for one in changed)
        assert "This changes" in text
        assert re.search(r"India [\d.]+ % instead of", text) or "The share of India is" in text

    def test_any_day_can_be_opened(self, page: Element) -> None:
        days = [one for one in page.all("details") if one.attributes.get("class") == "day"]
        assert len(days) == 97
        first = days[0].whole_text()
        assert "Saturday, 1 April 2017" in first
        for word in ("Services of", "Countries of", "Kinds of service of"):
            assert word in first

    def test_all_caveats_are_there(self, page: Element, model_found: dict[str, Any]) -> None:
        text = next(one for one in page.all("section") if one.attributes["id"] == "caveats").whole_text()
        for caveat in model_found["caveats"]:
            assert caveat in text.replace("\u00a0", " ")
