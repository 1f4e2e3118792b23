"""Dated events: sorted, and refused with the line."""

from datetime import date
from pathlib import Path

import pytest

from sensor.errors import RuleError
from sensor.rules import load_events


def test_sorted(tmp_path: Path) -> None:
    path = tmp_path / "events.toml"
    path.write_text(
        '[[event]]\nname = "b"\ndate = 2017-05-12\nsource = "x"\n'
        '[[event]]\nname = "a"\ndate = "2017-04-01"\nsource = "x"\n'
    )
    assert [(event.name, event.date) for event in load_events(path)] == [
        ("a", date(2017, 4, 1)),
        ("b", date(2017, 5, 12)),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "a"\ndate = 2017-05-12', ":1: a .*without source"),
        ('name = "a"\ndate = 2017-05-12\nsource = " "', ":4: source is empty"),
        ('name = "a"\ndate = "May"\nsource = "x"', ":3: not a date"),
        ('name = "a"\ndate = 2017-05-12T00:00:00Z\nsource = "x"', ":3: a time where a day belongs"),
        (
            'name = "a"\ndate = 2017-05-12\nsource = "x"\nday = 1',
            ":5: an unknown key.*did you mean|known are",
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "events.toml"
    path.write_text(f"[[event]]\n{text}\n")
    with pytest.raises(RuleError, match=message):
        load_events(path)
