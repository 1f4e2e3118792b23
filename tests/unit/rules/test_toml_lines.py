"""The lines of keys, against texts of every TOML shape."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.rules.toml_lines import line_of, toml_lines

TEXT = '''# [[not]] this
top = "a # b"
dotted.key."with quote" = 1

[[block]]   # comment
name = """
[[block]]
name = "no"
""" # line 6 to 9
prefixes = [ "a",
  'b', # , "c"

  "]", "d"
]
[block.inner]
x = { y = [1,
2], "z" = 3 }
[[block]]
name = "two"
when = 2017-04-01 12:00:00.5
[flow]
idle = 1.5
'''


def test_every_shape() -> None:
    tomllib.loads(TEXT)
    lines = toml_lines(TEXT)
    expected = {
        ("top",): 2,
        ("dotted", "key", "with quote"): 3,
        ("block",): 5,
        ("block", 0): 5,
        ("block", 0, "name"): 6,
        ("block", 0, "prefixes"): 10,
        ("block", 0, "prefixes", 0): 10,
        ("block", 0, "prefixes", 1): 11,
        ("block", 0, "prefixes", 2): 13,
        ("block", 0, "prefixes", 3): 13,
        ("block", 0, "inner"): 15,
        ("block", 0, "inner", "x", "y", 1): 17,
        ("block", 0, "inner", "x", "z"): 17,
        ("block", 1): 18,
        ("block", 1, "name"): 19,
        ("block", 1, "when"): 20,
        ("flow", "idle"): 22,
    }
    assert {path: lines[path] for path in expected} == expected
    assert ("block", 0, "prefixes", 4) not in lines


@pytest.mark.parametrize(("path", "line"), [(("block", 0, "nothing"), 5), (("nothing", 1), 1), ((), 1)])
def test_nearest_thing_around(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(toml_lines(TEXT), path) == line


@given(st.text(alphabet="[]{}=,.\"'#\n ab1", max_size=60))
def test_ends_on_whatever_tomllib_accepts(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = toml_lines(text)
    assert {path[0] for path in lines} == set(document)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
