"""Every metric of the contract, with its labels and type, and the time that a scrape takes."""

import re
import shutil
import subprocess
import time
import warnings
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from sensor.metrics import Drop, build_registry
from sensor.metrics.families import FAMILIES
from sensor.metrics.heaviest import LISTED_S, Heaviest
from tests.unit.metrics.fakes import FakeSource, empty_snapshot, heavy, large_snapshot

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "metrics.md"


def text_of(source: FakeSource, top_flows: int = 20) -> str:
    return generate_latest(build_registry(source, top_flows)).decode()


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


def test_every_family_has_its_type_and_its_labels() -> None:
    seen = {}
    for family in text_string_to_metric_families(text_of(FakeSource())):
        names = {name for sample in family.samples for name in sample.labels} - {"le"}
        suffix = {"counter": "_total"}.get(family.type, "")
        seen[family.name + suffix] = (family.type, names, family.documentation)
    # The plain text format has no type for information.
    expected = {
        one.name: ("gauge" if one.kind == "info" else one.kind, set(one.labels), one.help) for one in FAMILIES
    }
    assert seen == expected


def test_values() -> None:
    source = FakeSource()
    source.flush_times.observe(0.3)
    source.flush_times.observe(99)
    text = text_of(source)
    assert value(text, "blocktap_packets_total", interface="tap0", outcome="unmatched") == 20
    assert value(text, "blocktap_bytes_total", interface="tap0", outcome="malformed") == 1000
    assert value(text, "blocktap_dropped_packets_total", interface="tap0", reason="interface") == 8
    assert value(text, "blocktap_dropped_packets_total", interface="tap0", reason="store") == 3
    assert value(text, "blocktap_dropped_packets_total", interface="tap0", reason="kernel") == 6
    assert value(text, "blocktap_dropped_packets_total", interface="tap1", reason="prefilter") == 9
    assert value(text, "blocktap_block_packets_total", block="Star JV", direction="out") == 40
    assert value(text, "blocktap_block_bytes_total", block='odd"\\\n', direction="in") == 0
    service = {"block": "Star JV", "service": "Facebook"}
    assert value(text, "blocktap_service_bytes_total", **service, direction="in") == 400
    assert value(text, "blocktap_service_flows_total", **service) == 2
    assert value(text, "blocktap_country_bytes_total", block="Star JV", country="US", direction="out") == 500
    assert value(text, "blocktap_application_flows_total", block="Star JV", application="tls") == 4
    assert value(text, "blocktap_dns_transactions_total", block="Star JV", rcode="NXDOMAIN") == 6
    assert value(text, "blocktap_flows_total", event="evicted") == 1
    assert value(text, "blocktap_active_flows") == 5
    assert value(text, "blocktap_store_rows_total", table="hosts") == 0
    assert value(text, "blocktap_store_spool_segments") == 2
    assert value(text, "blocktap_store_shipped_segments_total") == 41
    assert value(text, "blocktap_store_flush_seconds_bucket", le="0.5") == 1
    assert value(text, "blocktap_store_flush_seconds_bucket", le="+Inf") == 2
    assert value(text, "blocktap_store_flush_seconds_sum") == 99.3
    assert value(text, "blocktap_rules", kind="blocks") == 2
    assert value(text, "blocktap_rules_last_reload_success_timestamp_seconds") == 1_500_000_000.5


def test_a_sensor_that_has_seen_nothing() -> None:
    source = FakeSource(empty_snapshot(), dropped=(Drop("tap0", "kernel", 0),))
    assert value(text_of(source), "blocktap_active_flows") == 0


def test_one_snapshot_a_scrape() -> None:
    source = FakeSource()
    registry = build_registry(source, 20)
    assert source.asked == 0
    generate_latest(registry)
    assert source.asked == 1


def test_large_counters_are_exact_and_openmetrics_reads_them() -> None:
    text = openmetrics.generate_latest(build_registry(FakeSource(large_snapshot()), 20)).decode()
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families["blocktap_build"].type == "info"
    found = [
        one.value
        for one in families["blocktap_service_bytes"].samples
        if one.labels["service"] == "Service 7"
    ]
    assert found[0] == 123_456_789_019


class TestHeaviest:
    def test_who_was_heavy_is_told_for_ten_minutes(self) -> None:
        now = 0.0
        heaviest = Heaviest(2, lambda: now)

        def chosen(*flows: tuple[int, int, bool]) -> list[int]:
            made = [heavy(number, size, alive=alive) for number, size, alive in flows]
            return [int(key[2].rpartition(".")[2]) for key, _, _ in heaviest.choose(made)]

        assert chosen((1, 10, True), (2, 20, True), (3, 5, True)) == [1, 2]
        now = 60.0
        assert chosen((1, 10, False), (2, 20, True), (3, 30, True)) == [1, 2, 3]
        now = LISTED_S + 1
        assert chosen((1, 10, False), (2, 20, False), (3, 30, True)) == [2, 3]
        assert chosen((3, 30, True)) == [3]

    def test_it_can_be_turned_off(self) -> None:
        text = text_of(FakeSource(), top_flows=0)
        assert "blocktap_flow_bytes_total{" not in text


def test_a_scrape_of_a_busy_sensor_takes_little() -> None:
    registry = build_registry(FakeSource(large_snapshot()), 20)
    fastest = min(_seconds(registry) for _ in range(5))
    # A scrape every 15 s at 0.5 % of a core is 75 ms; this is the Python part of it.
    assert fastest < 0.06


def _seconds(registry: CollectorRegistry) -> float:
    began = time.process_time()
    generate_latest(registry)
    return time.process_time() - began


def test_promtool_finds_nothing() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        warnings.warn(
            "promtool is not installed (Debian: prometheus): the names are NOT checked", stacklevel=1
        )
        pytest.skip("NOT CHECKED: promtool is missing")
    text = text_of(FakeSource())
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_document_names_every_metric() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    told = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), text.strip()) for name, kind, labels, text in rows
    }
    assert told == {one.name: (one.kind, one.labels, one.help) for one in FAMILIES}
