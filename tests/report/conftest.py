"""What the tests of the report share: one simulated study, made once."""

from pathlib import Path
from typing import Any

import pytest

from sensor.report import Report, make_report, to_html
from sensor.simulate import Scenario, load_scenario, simulate_store
from sensor.study import StudyOptions, study
from tests.report.stores import hostile_flows, make_store

OPTIONS = StudyOptions(timezone="Asia/Pyongyang", resamples=200)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that nobody looked at the page in a browser."""
    skipped = terminalreporter.stats.get("skipped", [])
    if any("no Chromium" in str(report.longrepr) for report in skipped):
        terminalreporter.section("NO BROWSER", red=True, bold=True)
        terminalreporter.line("The report was not opened in a browser: apt install chromium", red=True)


@pytest.fixture(scope="session")
def model_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the model scenario, with few flows."""
    path = tmp_path_factory.mktemp("report") / "store"
    scenario = load_scenario("model-2017").model_dump() | {"flows": 8_000}
    simulate_store(Scenario.model_validate(scenario), path)
    return path


@pytest.fixture(scope="session")
def model_found(model_store: Path) -> dict[str, Any]:
    """The study of that store."""
    return study(model_store, OPTIONS)


@pytest.fixture(scope="session")
def model_report(model_found: dict[str, Any]) -> Report:
    """The report of that study."""
    return make_report(model_found, "model-2017")


@pytest.fixture(scope="session")
def model_page(model_report: Report) -> str:
    """The page of that report."""
    return to_html(model_report)


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a store in which every name was chosen to do harm."""
    store = make_store(tmp_path_factory.mktemp("hostile") / "store", hostile_flows())
    return make_report(study(store, OPTIONS))


@pytest.fixture(scope="session")
def hostile_page(hostile_report: Report) -> str:
    """The page of that report."""
    return to_html(hostile_report)
