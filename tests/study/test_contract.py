"""The object has exactly the keys that its readers rely on."""

from collections.abc import Callable
from typing import Any

from sensor.study import StudyOptions
from tests.study.rows import flow

Report = Callable[..., dict[str, Any]]

TOP = [
    "period", "volume", "loss", "coverage", "blocks", "services", "categories", "applications", "sites",
    "countries", "institutions", "relays", "timeline", "onsets", "vpn", "population", "similarity",
    "sensitivity", "caveats",
]  # fmt: skip
KEYS = {
    "period": {"start", "end", "days", "days_with_data", "timezone"},
    "volume": {
        "flows", "packets", "bytes", "inside_addresses", "outside_addresses", "names", "sites",
        "dns_transactions", "apart",
    },
    "loss": {"packets_seen", "packets_dropped", "ratio", "gaps"},
    "coverage": {"named", "named_share", "classified_share"},
    "timeline": {"daily", "hour_of_week"},
    "vpn": {"share_flows", "services", "protocols"},
    "population": {"inside_addresses_per_day", "estimates"},
}  # fmt: skip
ENTRIES = {
    "blocks": {
        "block", "flows", "bytes", "share_flows", "share_bytes", "inside_addresses", "days_active",
        "claimed_country", "registered_country", "confidence", "registered_country_share",
        "registered_country_expected",
    },
    "services": {
        "rank", "service", "organisation", "category", "flows", "bytes", "share_flows", "inside_addresses",
        "days", "by_block",
    },
    "categories": {"category", "flows", "bytes", "share_flows"},
    "applications": {"application", "flows", "bytes", "share_flows"},
    "sites": {"site", "service", "country", "flows", "inside_addresses"},
    "countries": {"country", "flows", "bytes", "share_flows", "expected", "expected_source", "quotient"},
    "institutions": {"country", "category", "institutions", "flows"},
    "sensitivity": {"finding", "all", "without", "by_bytes", "holds"},
    "similarity": {
        "a", "b", "measure", "value", "reference_low", "reference_high", "unrelated_low", "unrelated_high",
        "p_value",
    },
}  # fmt: skip

FLOWS = [
    flow(
        day, 9 + number, block=block, service=service, organisation="Meta", category="social", country="IN",
        name=name,
    )
    for day in range(30)
    for number in range(5)
    for block, service, name in (
        ("star-jv", "Facebook", "www.facebook.com"),
        ("satnet", "University (India)", "www.iitb.ac.in"),
    )
]  # fmt: skip


def test_keys_are_the_contracts(report: Report) -> None:
    found = report(flows=FLOWS)
    assert list(found) == TOP
    for key, keys in KEYS.items():
        assert set(found[key]) == keys, key
    for key, keys in ENTRIES.items():
        assert found[key], key
        assert all(set(entry) == keys for entry in found[key]), key
    assert all(isinstance(text, str) for text in found["caveats"])


def test_the_same_store_gives_the_same_object(report: Report, tmp_path: Any) -> None:
    from sensor.study import study

    first = report(flows=FLOWS)
    assert study(tmp_path / "store", StudyOptions(resamples=200)) == first


def test_an_empty_store_has_a_report(report: Report) -> None:
    found = report()
    assert list(found) == TOP
    assert found["volume"]["flows"] == 0
    assert found["period"]["days"] == 0
    assert found["caveats"] == ["There is no use in the days asked for."]


def test_a_single_flow_has_a_report(report: Report) -> None:
    found = report(flows=[flow(0, service="Facebook", country="IE", category="social")])
    assert found["services"][0]["share_flows"] == {"value": 1.0, "low": None, "high": None}
    assert any("no interval" in text for text in found["caveats"])


def test_one_day_can_be_opened(report: Report) -> None:
    from datetime import date

    found = report(StudyOptions(day=date(2017, 4, 3), resamples=200), flows=FLOWS)
    assert found["period"]["start"] == found["period"]["end"] == "2017-04-03"
    assert found["volume"]["flows"] == 10
    assert [one["site"] for one in found["sites"]] == ["facebook.com", "iitb.ac.in"]
