"""A real Prometheus scrapes a real sensor, and every panel of the dashboards shows what it should."""

import json
import math
import shutil
import subprocess
import urllib.parse
from typing import Any

import pytest

from tests.deploy.dashboards import DEPLOY, queries, variables
from tests.deploy.machine import Machine
from tests.deploy.service import (
    DEMO,
    METRICS,
    SETTINGS,
    Service,
    install_checkout,
    settings,
    start_playing,
    wait_until,
)  # fmt: skip
from tests.deploy.unit_file import UNIT

pytestmark = [
    pytest.mark.skipif(shutil.which(command) is None, reason=f"no {command}")
    for command in ("prometheus", "promtool", "tcpreplay", "curl")
]

PROMETHEUS = "http://127.0.0.1:9090"
SCRAPE_S = 1
RATE_INTERVAL = "15s"
TIME_RANGE = "2m"
DATA_S = 60.0


class Prometheus:
    """A server with the project's rules and scrape settings, at a pace that a test can wait for."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        folder = machine.folder / "prometheus"
        folder.mkdir()
        rules = (DEPLOY / "prometheus" / "blocktap.rules.yml").read_text()
        (folder / "blocktap.rules.yml").write_text(rules.replace("interval: 10m", f"interval: {SCRAPE_S}s"))
        scrape = (DEPLOY / "prometheus" / "scrape.yml").read_text()
        pace = f"global: {{evaluation_interval: {SCRAPE_S}s}}\n"
        configuration = folder / "prometheus.yml"
        configuration.write_text(
            pace + scrape.replace("scrape_interval: 15s", f"scrape_interval: {SCRAPE_S}s")
        )
        self.log = folder / "log"
        machine.start(
            "prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={folder}/data",
            "--web.listen-address=127.0.0.1:9090", log=self.log,
        )  # fmt: skip
        wait_until(self._ready, "Prometheus answers")

    def _ready(self) -> bool:
        return (
            self.machine.run("curl", "--silent", "--fail", f"{PROMETHEUS}/-/ready", check=False).returncode
            == 0
        )

    def _get(self, path: str, **words: str) -> Any:
        said = self.machine.run(
            "curl", "--silent", f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(words)}"
        )
        answer = json.loads(said.stdout)
        assert answer["status"] == "success", f"{words}: {answer.get('error')}"
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that have a number for an expression now."""
        series = self._get("query", query=expression)["result"]
        return [one for one in series if math.isfinite(float(one["value"][1]))]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, and whether it could be evaluated."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]


def test_dashboards_and_rules_against_a_real_sensor(machine: Machine) -> None:
    install_checkout(machine)
    machine.write(SETTINGS, settings(flush_interval_s="1", memory_bytes="16777216", active_timeout_s="10"))
    service = Service(machine, UNIT)
    service.wait_ready()
    prometheus = Prometheus(machine)
    # Some traffic of everything in the capture, again and again, so that every counter moves.
    start_playing(machine, "--loop=0", "--pps=1000", DEMO)

    recorded = [rule["name"] for rule in prometheus.rules() if rule["type"] == "recording"]
    asked = {query: query.filled(RATE_INTERVAL, TIME_RANGE) for query in queries()}
    asked |= {name: name for name in recorded} | {variable: selector_of(variable) for variable in variables()}
    empty: list[Any] = []

    def all_have_data() -> bool:
        empty[:] = [what for what in empty or asked if not prometheus.query(asked[what])]
        return not empty

    try:
        wait_until(all_have_data, "every query has data", DATA_S)
    except AssertionError:
        pytest.fail(f"without data: {empty}\n{service.log.read_text()}")

    wrong = [rule for rule in prometheus.rules() if rule["health"] != "ok"]
    assert wrong == []
    firing = {series["metric"]["alertname"] for series in prometheus.query('ALERTS{alertstate="firing"}')}
    assert firing <= {"BlocktapNewService"}  # everything is new to a server that has just begun
    plain = machine.fetch(f"{METRICS}/metrics", "--header", "Accept: text/plain")
    said = subprocess.run(
        ["promtool", "check", "metrics"], input=plain, check=False, capture_output=True, text=True
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")
    assert machine.fetch(f"{METRICS}/metrics", "--header", "Accept: application/openmetrics-text").endswith(
        "# EOF\n"
    )


def selector_of(variable: str) -> str:
    """The series that ``label_values(SERIES, LABEL)`` looks at."""
    return variable.removeprefix("label_values(").rpartition(",")[0].replace("$instance", ".*")
