"""What counts as use, and on which day."""

from collections.abc import Callable
from datetime import date
from typing import Any

from sensor.rules import Block
from sensor.study import StudyOptions
from tests.study.rows import at, flow

Report = Callable[..., dict[str, Any]]


def test_what_is_no_use_is_counted_apart_under_its_first_reason(report: Report) -> None:
    found = report(
        flows=[
            flow(0),
            flow(0, initiator="outside"),
            flow(0, initiator="unknown"),
            flow(0, answered=False),
            flow(0, scope="internal", outside_block="satnet"),
            flow(0, tunnel="gre"),
            flow(0, tunnel="gre", answered=False),
            flow(0, initiator="outside", answered=False),
        ]
    )
    assert found["volume"]["flows"] == 1
    assert found["volume"]["apart"] == {
        "begun_outside": 2, "unanswered": 1, "internal": 1, "tunnelled": 2, "unknown_initiator": 1,
        "one_way": False,
    }  # fmt: skip


def test_a_flow_counts_once_and_its_bytes_on_each_records_day(report: Report) -> None:
    found = report(flows=[flow(0, record=0, flow_id=7), flow(1, record=1, flow_id=7)])
    daily = found["timeline"]["daily"]
    assert [(day["flows"], day["bytes"]) for day in daily] == [(1, 1000), (0, 1000)]
    assert found["volume"]["flows"] == 1
    assert found["volume"]["bytes"] == 2000


def test_dns_is_volume_but_no_share(report: Report) -> None:
    flows = [flow(0, service="Facebook", category="social"), flow(0, application="dns", protocol=17)]
    found = report(flows=flows, dns=[{"time": at(0)}])
    assert found["volume"]["flows"] == 2
    assert found["volume"]["dns_transactions"] == 1
    assert found["services"][0]["share_flows"]["value"] == 1.0
    assert [one["application"] for one in found["applications"]] == ["tls"]
    assert found["blocks"][0]["flows"] == 1


def test_days_are_those_of_the_zone(report: Report) -> None:
    # 23:40 UTC on 1 April is 08:10 on 2 April in Pyongyang, which was half an hour behind Seoul in 2017.
    found = report(StudyOptions(timezone="Asia/Pyongyang", resamples=200), flows=[flow(0, 23 + 40 / 60)])
    assert found["period"]["start"] == "2017-04-02"
    sunday = found["timeline"]["hour_of_week"][6]
    assert [hour for hour, flows in enumerate(sunday) if flows] == [8]


def test_pyongyang_moved_its_clocks_in_2018(report: Report) -> None:
    # On 4 May 2018 at 15:00 UTC the clocks went from 23:30 to midnight.
    flows = [flow(398, 14.75), flow(398, 15.25)]
    found = report(StudyOptions(timezone="Asia/Pyongyang", resamples=200), flows=flows)
    week = found["timeline"]["hour_of_week"]
    assert (week[4][23], week[5][0]) == (1, 1)


def test_the_window_is_cut_in_the_zone(report: Report) -> None:
    options = StudyOptions(
        timezone="Asia/Pyongyang", first_day=date(2017, 4, 2), last_day=date(2017, 4, 2), resamples=200
    )
    found = report(options, flows=[flow(0, 15.4), flow(0, 15.6), flow(1, 15.4), flow(1, 15.6)])
    assert found["volume"]["flows"] == 2


def test_one_direction_is_recognised_and_can_be_counted(report: Report, tmp_path: Any) -> None:
    from sensor.study import study

    flows = [flow(0, packets_in=0, bytes_in=0, answered=False) for _ in range(200)]
    found = report(flows=flows)
    assert found["volume"]["apart"]["one_way"] is True
    assert found["volume"]["flows"] == 0
    assert any("--one-way" in text for text in found["caveats"])
    counted = study(tmp_path / "store", StudyOptions(one_way=True, resamples=200))
    assert counted["volume"]["flows"] == 200


def test_relays_are_a_section_of_their_own(report: Report) -> None:
    blocks = (Block("star-jv"), Block("exit", role="relay"))
    agent = "Mozilla/5.0 (iPad; CPU OS 10_3 like Mac OS X) AppleWebKit/603 (KHTML, like Gecko) Safari/602"
    found = report(
        StudyOptions(blocks=blocks, resamples=200),
        flows=[flow(0, service="Facebook"), flow(0, block="exit", service="Gmail", name="mail.google.com")],
        hosts=[
            {"first": at(0), "last": at(0), "block": "exit", "day": date(2017, 4, 1), "user_agents": [agent]}
        ],
    )
    assert [one["service"] for one in found["services"]] == ["Facebook"]
    assert found["sites"] == []
    assert found["relays"] == [
        {
            "block": "exit", "flows": 1, "devices": ["iPad, Safari"],
            "services": [{"service": "Gmail", "flows": 1}],
        }
    ]  # fmt: skip
