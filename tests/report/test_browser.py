"""The page in a real browser: quiet, whole, legible, and operable."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="no Chromium: playwright is not installed")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SIZES = {"desk": (1280, 900), "phone": (375, 812)}


@dataclass
class Visit:
    """A page that is open, and what it did."""

    page: Any
    address: str
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def quiet(self) -> bool:
        return self.messages == [] and self.requests == [self.address]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as runner:
        try:
            one = runner.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield one
        one.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, model_page: str, hostile_page: str) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    pages = {"model": folder / "model.html", "hostile": folder / "hostile.html"}
    pages["model"].write_text(model_page, encoding="utf-8")
    pages["hostile"].write_text(hostile_page, encoding="utf-8")
    return pages


def visit(browser: Any, path: Path, size: str = "desk", **more: Any) -> Visit:
    width, height = SIZES[size]
    page = browser.new_context(viewport={"width": width, "height": height}, **more).new_page()
    one = Visit(page, path.as_uri())
    page.on("console", lambda message: one.messages.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: one.messages.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (one.messages.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: one.requests.append(request.url))
    page.goto(one.address)
    return one


@pytest.mark.parametrize("name", ["model", "hostile"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_is_quiet_and_never_scrolls_sideways(
    browser: Any, files: dict[str, Path], name: str, size: str, colours: str
) -> None:
    one = visit(browser, files[name], size, color_scheme=colours)
    one.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    width = one.page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES[size][0]
    assert one.quiet(), (one.messages, one.requests)
    one.page.context.close()


def test_hostile_names_are_text(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["hostile"])
    assert one.page.locator("img").count() == 0
    assert one.page.locator("script").count() == 1
    assert "<img src=x onerror=alert(1)>.example" in one.page.locator("#services").text_content()
    one.page.context.close()


def test_dark_and_light_by_the_button(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"], color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    bar = "getComputedStyle(document.querySelector('svg.wide .fill-first')).fill"
    light = one.page.evaluate(paper), one.page.evaluate(bar)
    one.page.get_by_role("button", name="Switch to dark colours").click()
    dark = one.page.evaluate(paper), one.page.evaluate(bar)
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    other = visit(browser, files["model"], color_scheme="dark")
    assert (other.page.evaluate(paper), other.page.evaluate(bar)) == dark
    assert one.quiet(), one.messages


def test_reads_whole_without_scripts(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"], java_script_enabled=False)
    assert one.page.locator("section").count() == 15
    assert one.page.locator("svg.wide").first.is_visible()
    assert one.page.locator("button").count() == 0
    first = one.page.locator("details.table").first
    first.locator("summary").click()
    assert first.locator("table").is_visible()
    assert one.quiet()


def test_contents_lead_to_their_sections(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"])
    for link in one.page.locator("nav.contents a").all():
        link.click()
        target = one.page.locator(link.get_attribute("href"))
        target.scroll_into_view_if_needed()
        assert target.is_visible()
    assert one.quiet()


def test_an_address_opens_its_day(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"])
    one.page.goto(f"{one.address}#day-2017-05-17")
    day = one.page.locator("#day-2017-05-17")
    assert day.evaluate("(each) => each.open")
    assert day.locator("table").first.is_visible()


def test_the_keyboard_is_enough(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"])
    one.page.keyboard.press("Tab")
    focused = "document.activeElement"
    assert one.page.evaluate(f"{focused}.className") == "skip"
    assert one.page.evaluate(f"getComputedStyle({focused}).outlineStyle") == "solid"
    one.page.keyboard.press("Enter")
    assert one.page.evaluate(f"{focused}.id") == "main"
    one.page.keyboard.press("Tab")
    one.page.keyboard.press("Enter")
    assert one.page.locator("details[open]").count() == 1


def test_tables_sort(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"])
    table = one.page.locator("#table-services")
    table.locator("summary").click()
    by_bytes = table.get_by_role("button", name="bytes", exact=True)
    column = "(rows) => rows.map((row) => Number(row.cells[5].dataset.value))"
    by_bytes.click()
    values = table.locator("tbody tr").evaluate_all(column)
    assert values == sorted(values, reverse=True)
    by_bytes.click()
    values = table.locator("tbody tr").evaluate_all(column)
    assert values == sorted(values)
    assert one.quiet(), one.messages


def test_a_table_can_be_saved(browser: Any, files: dict[str, Path], tmp_path: Path) -> None:
    one = visit(browser, files["model"], java_script_enabled=False)
    table = one.page.locator("#table-countries")
    table.locator("summary").click()
    with one.page.expect_download() as waiting:
        table.get_by_role("link").click()
    assert waiting.value.suggested_filename == "simulated-countries.csv"
    waiting.value.save_as(tmp_path / "countries.csv")
    assert (tmp_path / "countries.csv").read_text(encoding="utf-8-sig").startswith("country,code,flows,")


@pytest.mark.parametrize("size", SIZES)
def test_one_drawing_of_each_chart_is_shown(browser: Any, files: dict[str, Path], size: str) -> None:
    one = visit(browser, files["model"], size)
    for figure in one.page.locator("figure").all():
        assert [svg.is_visible() for svg in figure.locator("svg").all()].count(True) == 1


@pytest.mark.parametrize("size", SIZES)
def test_text_of_charts_is_large_enough_and_inside(browser: Any, files: dict[str, Path], size: str) -> None:
    one = visit(browser, files["model"], size)
    wrong = one.page.evaluate("""() => [...document.querySelectorAll('svg.chart')].filter((svg) => svg.clientWidth)
      .flatMap((svg) => { const outer = svg.getBoundingClientRect(); return [...svg.querySelectorAll('text')].filter(
        (text) => { const box = text.getBoundingClientRect();
          return box.width && (box.left < outer.left - 1 || box.right > outer.right + 1
            || parseFloat(getComputedStyle(text).fontSize) * outer.width / svg.viewBox.baseVal.width < 11); })
      .map((text) => `${svg.getAttribute('aria-labelledby')}: ${text.textContent}`); })""")
    assert wrong == []


def test_everything_has_a_name(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"])
    nameless = one.page.evaluate("""() => [...document.querySelectorAll('svg, a, button, summary, table, section')]
      .filter((each) => each.closest('svg') === each || !each.closest('svg'))
      .filter((each) => { const by = each.getAttribute('aria-labelledby');
        const name = each.getAttribute('aria-label') || (by && document.getElementById(by)?.textContent)
          || each.querySelector('caption')?.textContent || each.textContent;
        return !name.trim(); }).map((each) => each.outerHTML.slice(0, 80))""")
    assert nameless == []
    levels = one.page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((each) => Number(each.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_contrast_is_enough(browser: Any, files: dict[str, Path], colours: str) -> None:
    one = visit(browser, files["model"], color_scheme=colours)
    pairs = {("--ink", "--paper"): 7, ("--soft", "--paper"): 4.5, ("--soft", "--card"): 4.5, ("--link", "--paper"): 4.5,
             ("--warn-ink", "--warn"): 4.5, ("--first", "--paper"): 3, ("--second", "--paper"): 3}  # fmt: skip
    for (front, back), least in pairs.items():
        colours_of = "(name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()"
        lights = [luminance(one.page.evaluate(colours_of, name)) for name in (front, back)]
        assert (max(lights) + 0.05) / (min(lights) + 0.05) >= least, (front, back)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_on_paper_everything_is_open(browser: Any, files: dict[str, Path]) -> None:
    one = visit(browser, files["model"])
    one.page.emulate_media(media="print")
    one.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert one.page.locator("details:not([open])").count() == 0
    assert not one.page.locator("nav.contents").is_visible()
    one.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert one.page.locator("details[open]").count() == 0
