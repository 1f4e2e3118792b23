"""A store of few people, some of whom nobody else is like, and the data set made of it."""

from pathlib import Path
from typing import Any

from sensor.dataset.export import ExportOptions, export_dataset
from sensor.simulate import simulate_store
from sensor.study import StudyOptions
from tests.simulate.scenes import SMALL, scenario
from tests.study.rows import flow, make_store

K = 5
PROGRAM = "0.0.0"
STUDY = StudyOptions(resamples=200, timezone="Asia/Pyongyang")
LONE_BLOCK = "china-netcom-kptc"
"""Two addresses: fewer than k, on every day."""
LONE_NAME = "only-one-asks.example.net"
OWN_NAME = "host-175-45-176-3.pool.example.org"
"""Asked for by many, and tells an address."""
HOSTS = [f"175.45.176.{number}" for number in range(1, 9)]

_LONE = f'[[block]]\nname = "{LONE_BLOCK}"\nshare = 0.02\n\n'
_FIRST = '[[population]]\nname = "locals"'
SCENE = (
    SMALL
    .replace("days = 6", "days = 10")
    .replace("flows = 4000", "flows = 9000")
    .replace("star-jv = 8, satnet = 4", f"star-jv = 18, satnet = 9, {LONE_BLOCK} = 2")
    .replace("star-jv = 3", "star-jv = 6")
    .replace(_FIRST, _LONE + _FIRST)
)  # fmt: skip


def make(path: Path) -> Path:
    """Simulate it, and let a few do what nobody else does."""
    simulate_store(scenario(SCENE), path)
    rows: list[dict[str, Any]] = [
        flow(45.1, inside_ip=HOSTS[0], name=LONE_NAME, country="CH", outside_ip="192.0.2.7"),
        flow(46.2, inside_ip=HOSTS[0], name=LONE_NAME, country="CH", outside_ip="192.0.2.7"),
        # A service that only three ask for, on one day.
        *(
            flow(45.3, inside_ip=host, name="www.threema.ch", service="Threema", organisation="Threema",
                 category="chat", country="CH")
            for host in HOSTS[:3]
        ),
        *(flow(46.4, inside_ip=host, name=OWN_NAME, country="KP") for host in HOSTS),
        # A flow that goes on the next day, where no flow of its kind begins.
        flow(47.0, inside_ip=HOSTS[1], name="long.example.com", country="DE", record=0),
        flow(48.0, inside_ip=HOSTS[1], name="long.example.com", country="DE", record=1),
    ]  # fmt: skip
    return make_store(path, flows=rows)


def export(store: Path, path: Path, **changes: Any) -> Path:
    """Export with the options of these tests."""
    export_dataset(store, path, PROGRAM, ExportOptions(**({"study": STUDY, "k": K} | changes)))
    return path
