"""The shipped rules load, and say what the documentation says of them."""

from datetime import date
from pathlib import Path

import pytest

from sensor.errors import RuleError
from sensor.rules import load_events, load_plan, shipped
from sensor.rules.summary import summarise


def test_three_blocks_with_their_doubts() -> None:
    plan = load_plan([], [])
    assert plan == load_plan([shipped() / "blocks.toml"], [])
    assert [
        (item.block.name, item.addresses, item.block.claimed_country, item.block.confidence)
        for item in summarise(plan)
    ] == [
        ("star-jv", 1024, "KP", "high"),
        ("china-netcom-kptc", 256, "KP", "medium"),
        ("satnet", 256, "KP", "low"),
    ]
    assert plan.warnings == ()
    assert plan.refused == ()
    assert all(block.note and block.source and block.holder for block in plan.blocks)


def test_events_are_dated_and_sourced() -> None:
    events = load_events()
    assert [event.date for event in events if event.name == "WannaCry"] == [date(2017, 5, 12)]
    assert all(event.source for event in events)
    assert all(date(2017, 4, 1) <= event.date <= date(2017, 7, 6) for event in events)


def test_rules_are_found_beside_the_code() -> None:
    assert (shipped() / "README.md").is_file()


def test_rules_inside_the_package_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.rules.location._PACKAGE", tmp_path / "sensor")
    with pytest.raises(RuleError, match="install the package again"):
        shipped()
    for folder in ("rules", "sensor/_rules"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "blocks.toml").touch()
        assert shipped() == tmp_path / folder
