"""Whole reports of small stores: what must come out of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from sensor.study import StudyOptions
from tests.study.rows import at, flow

Report = Callable[..., dict[str, Any]]


def bitcoin() -> list[dict[str, Any]]:
    """Seventy days of Facebook; Bitcoin from the 47th day on, as 2017 had it."""
    generator = np.random.default_rng(1)
    facebook = {"service": "Facebook", "category": "social", "country": "IE", "name": "www.facebook.com"}
    mining = {"application": "bitcoin", "category": "cryptocurrency", "country": "US", "block": "satnet"}
    rows = []
    for day in range(70):
        visits, blocks = int(generator.poisson(30)), int(generator.poisson(12)) if day >= 46 else 0
        rows += [
            flow(day, number % 24, inside_ip=f"175.45.176.{number % 40}", **facebook)
            for number in range(visits)
        ]
        rows += [flow(day, number % 24, inside_ip="77.94.35.7", **mining) for number in range(blocks)]
    return rows


def test_bitcoin_began_five_days_after_wannacry(report: Report) -> None:
    found = report(flows=bitcoin())
    assert len(found["onsets"]) == 1
    onset = found["onsets"][0]
    assert (onset["series"], onset["kind"], onset["same_as"]) == (
        "bitcoin",
        "application",
        ["cryptocurrency"],
    )
    assert (onset["first_day"], onset["onset_day"]) == ("2017-05-17", "2017-05-17")
    assert onset["before_per_day"] == 0
    assert onset["event"] == {
        "name": "WannaCry", "date": "2017-05-12", "lag_days": 5, "chance": pytest.approx(6 / 70),
    }  # fmt: skip
    finding = next(one for one in found["sensitivity"] if one["finding"] == "onset of bitcoin")
    assert finding["without"]["star-jv"] == "2017-05-17"
    assert finding["without"]["satnet"] is None
    assert any("not caused by it" in text for text in found["caveats"])


def test_loss_and_gaps_come_from_the_accounting(report: Report) -> None:
    minutes = [*range(0, 600, 5), *range(900, 1440, 5)]  # five hours are missing
    accounting = [
        {"time": at(0, 0) + timedelta(minutes=minute), "packets_dropped_kernel": 1} for minute in minutes
    ]
    found = report(flows=[flow(0, 2)], accounting=accounting)
    assert found["loss"]["packets_seen"] == 10 * len(minutes)
    assert found["loss"]["ratio"] == pytest.approx(1 / 11)
    assert found["loss"]["gaps"] == [{"start": "2017-04-01T10:00:00Z", "end": "2017-04-01T15:00:00Z"}]
    assert any("lost in capture" in text for text in found["caveats"])


def test_the_start_of_a_sensor_ends_a_gap_however_short(report: Report) -> None:
    crashed, started = at(0, 0) + timedelta(minutes=30), at(0, 0) + timedelta(minutes=30, seconds=40)
    accounting = [
        {"time": at(0, 0) + timedelta(minutes=minute), "interval_s": 60.0}
        for minute in range(1440) if minute != 30
    ]  # fmt: skip
    accounting.append({"time": started, "interval_s": 20.0, "packets_seen": 0})
    found = report(flows=[flow(0, 2)], accounting=accounting)
    assert found["loss"]["gaps"] == [
        {"start": f"{crashed:%Y-%m-%dT%H:%M:%SZ}", "end": f"{started:%Y-%m-%dT%H:%M:%SZ}"}
    ]
    assert any("1 gap, 40 seconds in all" in text for text in found["caveats"])


def test_vpn_counts_services_and_protocols_but_not_tls(report: Report) -> None:
    flows = [
        flow(0), flow(0, name="api.nordvpn.com", service="NordVPN", category="vpn"),
        flow(0, application="openvpn", category="vpn"), flow(0, application="wireguard", category="vpn"),
    ]  # fmt: skip
    found = report(flows=flows)["vpn"]
    assert found["share_flows"]["value"] == 0.75
    assert [one["service"] for one in found["services"]] == ["NordVPN"]
    assert [one["application"] for one in found["protocols"]] == ["openvpn", "wireguard"]
    assert all(one["inside_addresses"] == 1 for one in found["protocols"] + found["services"])


def test_institutions_are_counted_by_domain(report: Report) -> None:
    flows = [
        flow(0, name=name, service=service, category=category, country="IN")
        for name, service, category in (
            ("www.iitb.ac.in", "University (India)", "education"),
            ("cs.iitb.ac.in", "University (India)", "education"),
            ("www.du.ac.in", "University (India)", "education"),
            ("timesofindia.indiatimes.com", "Times of India", "news"),
            ("www.corner-shop.co.in", None, None),
        )
    ]
    found = {(one["country"], one["category"]): one for one in report(flows=flows)["institutions"]}
    assert found["IN", "education"]["institutions"] == ["iitb.ac.in", "du.ac.in"]
    assert found["IN", "education"]["flows"] == 3
    assert found["IN", "local site"]["institutions"] == ["corner-shop.co.in"]


def test_hostile_names_are_only_text(report: Report) -> None:
    names = [
        "<img src=x onerror=alert(1)>.com",
        "a\u202etxt.exe.com",
        "=1+1.com",
        ".".join(["x" * 63] * 4),
        "'; DROP",
    ]
    found = report(StudyOptions(resamples=200), flows=[flow(0, name=name) for name in names])
    shown = [one["site"] for one in found["sites"]]
    assert len(shown) == len(names)
    assert all(text.isascii() and text.isprintable() for text in shown)


def test_bytes_stand_beside_a_finding_and_do_not_decide_whether_it_holds(report: Report) -> None:
    flows = [flow(day, country="US", bytes_in=9_000) for day in range(20) for _ in range(9)]
    flows += [flow(day, country="IN", bytes_in=100) for day in range(20) for _ in range(3)]
    found = report(flows=flows)
    finding = next(one for one in found["sensitivity"] if one["finding"] == "share of IN")
    assert finding["all"] == 0.25
    assert finding["by_bytes"] < 0.05
    assert finding["holds"]


def test_a_finding_that_rests_on_one_block_does_not_hold(report: Report) -> None:
    flows = [flow(day, country="US") for day in range(20) for _ in range(9)]
    flows += [flow(day, country="IN", block="satnet") for day in range(20) for _ in range(3)]
    found = report(flows=flows)
    finding = next(one for one in found["sensitivity"] if one["finding"] == "share of IN")
    assert finding["all"] == 0.25
    assert finding["without"]["satnet"] == 0
    assert not finding["holds"]
    assert any("share of IN" in text for text in found["caveats"])
