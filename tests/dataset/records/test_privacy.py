"""How many hosts could be told apart, against a count by hand."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.dataset.records import privacy_report
from sensor.store.engine.rollup import DuckDBRollups
from sensor.study.use import Window
from tests.study.rows import flow, make_store


def report(store: Path, k: int, window: Window | None = None, **changes: Any) -> dict[str, Any]:
    with DuckDBRollups(store) as engine:
        return privacy_report(engine, window or Window(UTC), k, **changes)


def counted(sets: Iterable[frozenset[Any]], k: int) -> dict[str, Any]:
    """The same by comparing every set with every other."""
    classes = Counter(sets)
    hosts = sum(classes.values())
    unique = sum(1 for size in classes.values() if size == 1)
    enough = sum(size for size in classes.values() if size >= k and size > 1)
    return {
        "unique": unique, "fewer_than_k": hosts - unique - enough, "k_or_more": enough,
        "unique_share": unique / hosts,
    }  # fmt: skip


@given(seed=st.integers(0, 1 << 30), k=st.integers(1, 6), hosts=st.integers(1, 40))
@settings(max_examples=12, deadline=None)
def test_as_counted_by_hand(tmp_path_factory: Any, seed: int, k: int, hosts: int) -> None:
    dice = Random(seed)
    used = {
        (
            f"175.45.176.{host}",
            dice.choice([None, "A", "B", "C", "D"]),
            dice.randrange(14),
            dice.randrange(0, 24, 6),
        )
        for host in range(hosts)
        for _ in range(dice.randrange(1, 4))
    }
    flows = [
        flow(day, hour + 0.4, inside_ip=address, service=service) for address, service, day, hour in used
    ]
    store = make_store(tmp_path_factory.mktemp("store") / "store", flows=flows)
    found = report(store, k, round_time_s=43_200)
    assert found["hosts"] == hosts
    sharing = {service: len({one[0] for one in used if one[1] == service}) for service in "ABCD"}
    for when in ("before", "after"):
        points: dict[str, set[Any]] = {}
        for address, service, day, hour in used:
            # 1 April 2017 was a Saturday.
            slot = (5 + day) % 7 * 24 + (hour if when == "before" else hour // 12 * 12)
            kept = service if when == "before" or service is None or sharing[service] >= k else "few"
            points.setdefault(address, set()).add((kept, slot))
        expected = {
            "services": counted((frozenset(one[0] for one in those) for those in points.values()), k),
            "hours": counted((frozenset(one[1] for one in those) for those in points.values()), k),
            "services_and_hours": counted((frozenset(those) for those in points.values()), k),
        }
        assert {name: found["measures"][name][when] for name in expected} == expected


def test_only_use_counts(tmp_path: Path) -> None:
    flows = [
        flow(0, 1, service="A"), flow(0, 2, inside_ip="175.45.176.2", service="A", answered=False),
        flow(0, 3, inside_ip="175.45.176.3", service="A", initiator="outside"),
    ]  # fmt: skip
    assert report(make_store(tmp_path / "store", flows=flows), 2)["hosts"] == 1


def test_hours_are_those_of_the_zone(tmp_path: Path) -> None:
    """Two half hours of UTC are one hour where clocks go half an hour apart."""
    flows = [flow(0, 1.6, inside_ip="175.45.176.1"), flow(0, 2.2, inside_ip="175.45.176.2")]
    store = make_store(tmp_path / "store", flows=flows)
    assert report(store, 2)["measures"]["hours"]["before"]["unique"] == 2
    window = Window(ZoneInfo("Asia/Pyongyang"))  # 8.5 hours ahead in 2017
    assert report(store, 2, window)["measures"]["hours"]["before"]["unique"] == 0


def test_an_empty_store(tmp_path: Path) -> None:
    assert report(make_store(tmp_path / "store"), 5) == {
        "hosts": 0,
        "k": 5,
        "round_time_s": 3600,
        "measures": {},
    }
