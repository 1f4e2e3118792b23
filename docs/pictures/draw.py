"""Draw the pictures of the README: the report's first screen and a run on a terminal, of simulated data.

``make pictures`` runs it. Chromium takes the pictures; CHROMIUM names another one than the first on the path.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from sensor.report import Report, make_report, print_summary, to_html
from sensor.simulate import Scenario, load_scenario, simulate_store
from sensor.study import StudyOptions, study

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parent
FLOWS = 300_000
TERMINAL = (100, 52)
"""Columns, and the lines that are shown."""


def main() -> None:
    """Make a store, study it, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        report = _report(Path(folder))
        page = Path(folder) / "report.html"
        page.write_text(to_html(report), encoding="utf-8")
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        with sync_playwright() as runner:
            browser = runner.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            _draw_page(browser, page)
            _draw_terminal(browser, report)
            browser.close()


def _report(folder: Path) -> Report:
    scenario = load_scenario("model-2017").model_dump() | {"flows": FLOWS}
    simulate_store(Scenario.model_validate(scenario), folder / "store")
    return make_report(study(folder / "store", StudyOptions(timezone="Asia/Pyongyang")), scenario["name"])


def _draw_page(browser: Browser, page: Path) -> None:
    tab = browser.new_page(viewport={"width": 1180, "height": 860})
    tab.goto(page.as_uri())
    tab.screenshot(path=FOLDER / "report.png")
    tab.close()


def _draw_terminal(browser: Browser, report: Report) -> None:
    columns, lines = TERMINAL
    whole = Console(width=columns, record=True, force_terminal=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    print_summary(whole, report)
    shown = Console(width=columns, record=True, force_terminal=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    text = whole.export_text(styles=True).split("\n")[:lines]
    shown.print(Text("$ blocktap report --store model-2017 --timezone Asia/Pyongyang", style="green"))
    shown.print(Text.from_ansi("\n".join(text)))
    drawn = shown.export_svg(title="blocktap report (simulated data)")
    tab = browser.new_page(viewport={"width": 1000, "height": 900})
    # The drawing asks for a font of the network; it gets the system's.
    tab.route("**", lambda route: route.abort())
    tab.set_content(f"<style>body{{margin:0}}svg{{width:1000px;display:block}}</style>{drawn}")
    tab.locator("svg").first.screenshot(path=FOLDER / "terminal.png")
    tab.close()


if __name__ == "__main__":
    main()
