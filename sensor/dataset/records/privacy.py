"""How many inside hosts can be told apart by what they do, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from sensor.dataset.records.embedded import RARE
from sensor.dataset.records.options import DEFAULT_ROUND_TIME_S
from sensor.store.engine.rollup import Rollups
from sensor.study.calendar import NANOSECONDS, local_hour, shifts
from sensor.study.gather import stored_days
from sensor.study.use import Window

_POINTS = "privacy_points"
_SHARED = "privacy_services"
_WORDS = "privacy_words"
_WEEK_HOURS = 168
_EPOCH_HOUR = 72  # 1 January 1970 was a Thursday; hours of the week begin on Monday
_WORD_BITS = 40
_SEED = 2017
_NONE = "(none)"


def privacy_report(
    engine: Rollups, window: Window, k: int, round_time_s: int = DEFAULT_ROUND_TIME_S
) -> dict[str, Any]:
    """Count the inside hosts that nobody else is like.

    Two hosts are alike if they used the same set of services, were active in the same set of hours of the week, or
    (the finest measure) used the same services in the same hours. ``before`` is the store, ``after`` what flow
    records tell: services that fewer than *k* hosts share are one, and times are rounded. What else records
    tell (names, outside networks, counts) sets hosts apart further.

    Parameters
    ----------
    engine
        Over the store.
    window
        Which use counts.
    k
        How many hosts a service is told of.
    round_time_s
        What times are rounded to.

    Returns
    -------
    dict
        ``hosts``, ``k``, ``round_time_s``, and under ``measures`` the measures ``services``, ``hours`` and
        ``services_and_hours``, each with ``before`` and ``after``: the hosts that are ``unique``, those alike
        with ``fewer_than_k`` in all (unique ones left out) and with ``k_or_more``, and ``unique_share``.
    """
    stored = stored_days(engine)
    measures: dict[str, Any] = {}
    hosts = 0
    if stored is not None:
        zone_shifts = shifts(window.zone, *stored)
        step = round_time_s * NANOSECONDS
        hours = [
            _hour_of_week(local_hour(engine, column, zone_shifts)) for column in ("start_time", "rounded")
        ]
        engine.keep(
            _POINTS,
            f"SELECT inside_ip, coalesce(service, '{_NONE}') AS service, {hours[0]} AS hour_before, "
            f"{hours[1]} AS hour_after FROM (SELECT *, {engine.whole('start_time_ns', step)} * {step} AS rounded_ns "
            f"FROM flows WHERE {window.use()}) AS used GROUP BY 1, 2, 3, 4",
        )
        hosts = int(engine.rollup(f"SELECT count(DISTINCT inside_ip) AS n FROM {_POINTS}")["n"][0].as_py())
        services = _keep_services(engine, k)
        measures = _measures(engine, services, hosts, k)
    return {"hosts": hosts, "k": k, "round_time_s": round_time_s, "measures": measures}


def _hour_of_week(local: str) -> str:
    return f"({local} + {_EPOCH_HOUR}) % {_WEEK_HOURS}"


def _keep_services(engine: Rollups, k: int) -> int:
    """Number the services before and after, and return how many numbers there are."""
    table = engine.rollup(
        f"SELECT service, count(DISTINCT inside_ip) AS hosts FROM {_POINTS} GROUP BY 1 ORDER BY 1"
    )
    words, hosts = table["service"].to_pylist(), table["hosts"].to_pylist()
    numbers = {word: number for number, word in enumerate([_NONE, RARE, *words])}
    after = [word if word == _NONE or count >= k else RARE for word, count in zip(words, hosts, strict=True)]
    engine.lend(
        _SHARED,
        pa.table(
            {
                "service": pa.array(words, pa.utf8()),
                "before": pa.array([numbers[word] for word in words], pa.int64()),
                "after": pa.array([numbers[word] for word in after], pa.int64()),
            }
        ),
    )
    return max(numbers.values(), default=0) + 1


def _measures(engine: Rollups, services: int, hosts: int, k: int) -> dict[str, Any]:
    # A set is known by the sum of its members' random words: two sums of 40 bits each, alike by chance once in
    # 2 to the power of 80, and exact in every engine.
    codes = services * _WEEK_HOURS + max(services, _WEEK_HOURS)
    random = np.random.default_rng(_SEED)
    words = random.integers(1, 1 << _WORD_BITS, size=(2, codes), dtype=np.int64)
    engine.lend(_WORDS, pa.table({"code": np.arange(codes), "a": words[0], "b": words[1]}))
    found: dict[str, Any] = {}
    for measure, code in (
        ("services", "{service}"),
        ("hours", "{hour}"),
        ("services_and_hours", f"{{service}} * {_WEEK_HOURS} + {{hour}}"),
    ):
        found[measure] = {
            when: _classes(engine, code.format(service=f"s.{when}", hour=f"p.hour_{when}"), hosts, k)
            for when in ("before", "after")
        }
    return found


def _classes(engine: Rollups, code: str, hosts: int, k: int) -> dict[str, Any]:
    """Sizes of the classes of hosts that are alike."""
    table = engine.rollup(
        "SELECT alike, count(*) AS classes FROM (SELECT a, b, count(*) AS alike FROM ("
        f"SELECT m.inside_ip, sum(w.a) AS a, sum(w.b) AS b FROM (SELECT DISTINCT p.inside_ip, {code} AS code "
        f"FROM {_POINTS} AS p JOIN {_SHARED} AS s ON s.service = p.service) AS m "
        f"JOIN {_WORDS} AS w ON w.code = m.code GROUP BY 1) AS known GROUP BY 1, 2) AS sized GROUP BY 1 ORDER BY 1"
    )
    sizes = [(int(row["alike"]), int(row["classes"])) for row in table.to_pylist()]
    unique = sum(classes for alike, classes in sizes if alike == 1)
    enough = sum(alike * classes for alike, classes in sizes if alike >= k and alike > 1)
    return {
        "unique": unique,
        "fewer_than_k": hosts - unique - enough,
        "k_or_more": enough,
        "unique_share": unique / hosts if hosts else None,
    }
