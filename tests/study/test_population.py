"""Chao's bound, devices behind an address, addresses a day."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from sensor.study.chao import chao2
from sensor.study.device_days import merge_evidence
from sensor.study.devices import browser, describe, operating_system
from tests.study.rows import START, at, flow

Report = Callable[..., dict[str, Any]]


def test_chao2_by_hand() -> None:
    bound = chao2(100, once=20, twice=10, units=50)
    assert bound.value == pytest.approx(100 + 49 / 50 * 400 / 20)
    assert 100 < bound.low < bound.value < bound.high


def test_chao2_without_any_seen_twice() -> None:
    assert chao2(10, once=4, twice=0, units=10).value == pytest.approx(10 + 9 / 10 * 4 * 3 / 2)
    assert chao2(10, once=1, twice=0, units=10).value == 10


def test_all_seen_often_leaves_nothing_unseen() -> None:
    bound = chao2(135, once=0, twice=0, units=97)
    assert (bound.value, bound.low, bound.high) == (135, 135, 135)


def test_chao2_does_not_overshoot() -> None:
    """It is a lower bound: on the mean it must not exceed the truth by more than noise."""
    generator = np.random.default_rng(8)
    rates = generator.beta(0.5, 5, 300)
    values = []
    for _ in range(100):
        met = generator.binomial(30, rates)
        values.append(chao2(int((met > 0).sum()), int((met == 1).sum()), int((met == 2).sum()), 30).value)
    assert np.mean(values) <= 303


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (iPad; CPU OS 10_3 like Mac OS X) AppleWebKit/603.1 Version/10.0 Safari/602.1", "iPad, Safari"),
        ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Windows 7, Internet Explorer"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537 Chrome/58 Safari/537", "Windows 10 or 11, Chrome"),
        ("Mozilla/5.0 (Linux; Android 6.0) AppleWebKit/537 Chrome/50 Mobile Safari/537", "Android, Chrome"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:52.0) Gecko/20100101 Firefox/52.0", "Linux, Firefox"),
        ("curl/7.52.1", None),
        ("", None),
    ],
)  # fmt: skip
def test_devices_are_told_by_user_agent(agent: str, device: str | None) -> None:
    assert describe(agent) == device


def test_hostile_user_agents_are_only_words() -> None:
    assert operating_system("<img src=x onerror=alert(1)>Windows NT 99.9") == "Windows 99.9"
    assert browser("\u202e" + "A" * 10_000) is None


def test_evidence_of_restarts_and_sensors_merges() -> None:
    row = {"day": date(2017, 4, 1), "block": "a", "inside_ip": "192.0.2.1"}
    merged = merge_evidence(
        [
            {**row, "ttls": [64], "ja4s": None, "user_agents": ["x"]},
            {**row, "ttls": [64, 128], "ja4s": ["t"], "user_agents": ["x", "y"]},
        ]
    )
    assert list(merged.values()) == [{"ttls": {64, 128}, "ja4s": {"t"}, "user_agents": {"x", "y"}}]


def test_addresses_and_devices_a_day(report: Report) -> None:
    flows = [flow(day, inside_ip=f"175.45.176.{host}") for day in range(20) for host in range(60)]
    agents = ["Mozilla/5.0 (Windows NT 6.1) Firefox/52.0", "Mozilla/5.0 (Linux; Android 6.0) Chrome/50"]
    hosts = [
        {
            "day": (START + timedelta(days=day)).date(), "first": at(day), "last": at(day),
            "inside_ip": f"175.45.176.{host}", "user_agents": agents,
        }
        for day in range(20) for host in range(60)
    ]  # fmt: skip
    found = report(flows=flows, hosts=hosts)["population"]
    assert found["inside_addresses_per_day"] == {"median": 60.0, "low": 60.0, "high": 60.0}
    estimates = {one["method"]: one for one in found["estimates"]}
    assert estimates["operating systems"]["value"] == 120
    assert estimates["50 to 250"]["value"] == 1.0
    assert estimates["counted"]["value"] == 60
    assert estimates["Chao2"]["bound"] == "lower"


def test_host_days_of_sites(report: Report) -> None:
    """One site on one host-day, one on two, one on three; Chao2 works on these."""
    flows = [
        flow(0, name="once.example.com"), flow(0, hour=13, name="www.once.example.com"),
        flow(0, name="a.twice.net"), flow(1, name="b.twice.net"),
        flow(0, name="thrice.org"), flow(1, name="thrice.org"), flow(1, name="thrice.org", inside_ip="175.45.176.2"),
    ]  # fmt: skip
    found = report(flows=[{**one, "service": None} for one in flows])
    sites = {one["site"]: one for one in found["sites"]}
    assert {site: one["inside_addresses"] for site, one in sites.items()} == {
        "example.com": 1, "twice.net": 1, "thrice.org": 2,
    }  # fmt: skip
    estimate = next(one for one in found["population"]["estimates"] if one["what"].startswith("sites"))
    assert estimate["value"] == pytest.approx(3 + 2 / 3 * 1 / 2)
