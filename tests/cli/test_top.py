"""``blocktap top``: what two looks come to, and that there is something to see."""

import asyncio
from typing import Any

import pytest

from sensor.cli._top_once import print_once
from sensor.cli._top_rates import look
from sensor.cli._top_tables import TABLES, quantity
from sensor.cli._top_view import TopView
from sensor.errors import CaptureError
from tests.cli.commands import blocktap


def status(seconds: float, packets: int, **besides: Any) -> dict[str, Any]:
    counts = {
        "packets_seen": packets, "bytes_seen": packets * 100, "packets_matched": packets,
        "packets_unmatched": 0, "packets_malformed": 0, "packets_dropped_kernel": packets // 10,
        "packets_dropped_interface": 0, "packets_dropped_store": 0, "packets_prefiltered": 0,
    }  # fmt: skip
    told: dict[str, Any] = {
        "ok": True,
        "time": 1000.0 + seconds,
        "began": 1000.0,
        "snapshot": {
            "interfaces": {"eth1": counts},
            "active_flows": 3,
            "blocks": [["star-jv", packets, packets, packets * 60, packets * 40], ["satnet", 0, 0, 0, 0]],
            "services": [["star-jv", "Facebook", packets // 100, packets * 50, packets * 30]],
            "applications": [["star-jv", "tls", packets // 100]],
        },
        "names": [{"time_ns": 1_500_000_000_000_000_000, "block": "star-jv", "inside_ip": "175.45.176.1",
                   "name": "www.facebook.com", "application": "tls", "service": "Facebook", "country": "US"}],
        "links_down": [],
        "store": {"rows": {"flows": 7}, "bytes": 1234, "failure": None},
        "rules": {"successful": True, "since": 1000.0, "counts": {"blocks": 2, "prefixes": 2, "services": 9}},
    }  # fmt: skip
    return told | besides


def test_rates_are_between_the_looks() -> None:
    found = look(status(10, 1000), status(12, 3000))
    assert found.seconds == 2
    assert found.interfaces[0].per_second[0] == 1000
    assert found.interfaces[0].total[0] == 3000
    assert found.blocks[0].name == ("star-jv",)
    assert found.blocks[0].per_second == (1000, 1000, 60_000, 40_000)
    assert found.losses[0].name == ("eth1", "kernel")


def test_a_sensor_that_was_started_anew_counts_from_nothing() -> None:
    found = look(status(100, 90_000), status(2, 100, began=1001.0))
    assert found.interfaces[0].per_second[0] == pytest.approx(100.0)


def test_what_is_wrong_stands_out() -> None:
    bad = status(1, 1, links_down=["eth1"])
    bad["rules"]["successful"] = False
    bad["store"]["failure"] = "No space left on device"
    facts = dict(look(None, bad).facts)
    assert facts["LINKS DOWN"] == "eth1"
    assert facts["STORE"] == "No space left on device"
    assert "RULES" in facts


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0, "", "0"), (999, "", "999"), (1000, "", "1k"), (12_345, "", "12.3k"), (1.5e6, "bit/s", "1.5 Mbit/s")],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter([status(10, 1000), status(11, 2000)])
    print_once(lambda: next(looks), 0)
    printed = capsys.readouterr().out
    for text in ("www.facebook.com", "star-jv", "Facebook", "eth1", "flows alive: 3"):
        assert text in printed


@pytest.mark.parametrize("width", [140, 70])
def test_shown(width: int) -> None:
    looks = iter([status(10, 1000), status(11, 2000)])

    def ask() -> dict[str, Any]:
        found = next(looks, None)
        if found is None:
            raise CaptureError("no blocktap runs there")
        return found

    async def use() -> None:
        view = TopView(ask, 0.2)
        async with view.run_test(size=(width, 60)) as pilot:
            await pilot.pause(0.5)
            for shown in TABLES:
                table = view.query_one(f"#{shown.title.lower().replace(' ', '-')}")
                assert table.row_count > 0, shown.title
                assert table.region.width > 30
            await pilot.pause(0.5)
            assert "no blocktap runs there" in str(view.query_one("#facts").render())
            await pilot.press("q")

    asyncio.run(use())


def test_nobody_there(tmp_path: Any) -> None:
    ended = blocktap("top", "--socket", tmp_path / "none.sock", "--once")
    assert ended.returncode == 1
    assert "no blocktap runs there" in ended.stderr
    ended = blocktap("reload", "--socket", tmp_path / "none.sock")
    assert ended.returncode == 1
    assert "no blocktap runs there" in ended.stderr
