"""What stands in deploy/ holds together: settings, unit, rules, dashboards."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from sensor.config import Config, load_config
from sensor.metrics.families import FAMILIES
from sensor.store.place.address import parse_address
from tests.deploy.confine import DONE_HERE, NOT_HERE
from tests.deploy.dashboards import DEPLOY, queries, variables
from tests.deploy.unit_file import UNIT, Unit

WORST_EXPOSURE = 1.8
RULES = DEPLOY / "prometheus" / "blocktap.rules.yml"


def wants(command: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(command) is None, reason=f"no {command}")


def test_example_settings_are_settings() -> None:
    config = load_config(DEPLOY / "blocktap.toml")
    assert config.capture.interfaces == ()
    assert config.store.path == "/var/lib/blocktap/store"


def test_settings_of_a_fleet_are_settings() -> None:
    config = load_config(DEPLOY / "fleet" / "blocktap.toml")
    assert config.store.path is not None
    assert parse_address(config.store.path).name == "s3://taps/study"
    assert "sensor" not in config.store.model_fields_set, "a sensor is called after its machine"


def test_what_the_example_leaves_out_is_the_default() -> None:
    without_default = "workers|memory_max|snap_bytes|keep_days|max_bytes|folders|watch|user|control_socket"
    without_default += "|ipfix|records_per_second"
    lines = (DEPLOY / "blocktap.toml").read_text().splitlines()
    shown = [line for line in lines if not re.match(rf"#({without_default}) =", line)]
    whole = tomllib.loads("\n".join(re.sub(r"^#(\w+ =)", r"\1", line) for line in shown))
    default = Config().model_dump()
    for line in lines:
        setting = re.match(r"(\w+) =", line)
        if setting:
            for table in whole.values():
                table.pop(setting[1], None)
    for table, values in whole.items():
        assert values == {name: default[table][name] for name in values}
    Config.model_validate(whole)


@wants("systemd-analyze")
def test_unit_is_exposed_little() -> None:
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for blocktap.service: ([0-9.]+)", said.stdout)
    assert found is not None, said.stdout
    assert float(found[1]) <= WORST_EXPOSURE


@wants("systemd-analyze")
def test_unit_has_no_mistakes(tmp_path: Path) -> None:
    unit = tmp_path / "blocktap.service"
    command = tmp_path / "blocktap"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    unit.write_text(UNIT.read_text().replace("/usr/bin/blocktap", str(command)))
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], check=False, capture_output=True, text=True
    )
    assert [line for line in said.stderr.splitlines() if unit.name in line] == []


def test_every_directive_is_known_to_the_sandbox() -> None:
    assert Unit(UNIT).names() - DONE_HERE - set(NOT_HERE) == set()


@wants("promtool")
@pytest.mark.parametrize("words", [("check", "rules", RULES.name), *(
    ("test", "rules", path.name) for path in sorted(RULES.parent.glob("*.test.yml"))
)], ids=" ".join)  # fmt: skip
def test_rules_of_prometheus(words: tuple[str, ...]) -> None:
    said = subprocess.run(["promtool", *words], cwd=RULES.parent, check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr


@wants("promtool")
@pytest.mark.parametrize("settings", ["prometheus/scrape.yml", "fleet/prometheus.yml"])
def test_scrape_settings(settings: str) -> None:
    said = subprocess.run(
        ["promtool", "check", "config", DEPLOY / settings],
        cwd=RULES.parent, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout + said.stderr


def test_every_alert_is_tested() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    tested = {
        name
        for path in RULES.parent.glob("*.test.yml")
        for name in re.findall(r"alertname: (\w+)", path.read_text())
    }
    assert alerts == tested


def test_rules_and_dashboards_ask_for_metrics_that_there_are() -> None:
    asked = [query.expression for query in queries()] + variables() + [RULES.read_text()]
    names = set(re.findall(r"(?<![:\w])blocktap_\w+", "\n".join(asked)))
    assert names
    assert names - metric_names() == set()


def metric_names() -> set[str]:
    """Every name under which a sample may come."""
    parts = {"histogram": ("_bucket", "_count", "_sum")}
    return {family.name + part for family in FAMILIES for part in parts.get(family.kind, ("",))}
