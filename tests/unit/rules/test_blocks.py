# ruff: noqa: E501  a table of mistakes, one a line
"""``blocks.toml``: what it says, and the line of every mistake."""

import struct

import pytest

from sensor.errors import RuleError
from sensor.rules.model import ALWAYS_FROM_NS, FOREVER_UNTIL_NS

DAY_NS = 86_400 * 10**9
APRIL_NS = 17_257 * DAY_NS  # 2017-04-01


def test_all_keys(load, words) -> None:
    plan = load(
        """
[[block]]
name = "one"
prefixes = [
  "192.0.2.0/24",  # "not this"
  "198.51.100.0-198.51.100.2",
]
holder = "Example"
claimed_country = "KP"
confidence = "low"
role = "relay"
valid_from = 2017-04-01
valid_to = 2017-04-30
note = '''two
lines'''
source = "me"
"""
    )
    block = plan.blocks[0]
    assert words(plan) == {"one": ["192.0.2.0/24", "198.51.100.0/31", "198.51.100.2/32"]}
    assert (block.holder, block.claimed_country, block.confidence, block.role) == (
        "Example",
        "KP",
        "low",
        "relay",
    )
    assert (block.note, block.source) == ("two\nlines", "me")
    assert struct.unpack("<3q", plan.valid_from_ns) == (APRIL_NS,) * 3
    assert struct.unpack("<3q", plan.valid_until_ns) == (APRIL_NS + 30 * DAY_NS,) * 3


@pytest.mark.parametrize(
    ("line", "from_ns", "until_ns"),
    [
        ("", ALWAYS_FROM_NS, FOREVER_UNTIL_NS),
        ("valid_from = 2017-04-01", APRIL_NS, FOREVER_UNTIL_NS),
        ("valid_to = 2017-04-01", ALWAYS_FROM_NS, APRIL_NS + DAY_NS),
        ("valid_to = 2017-04-01T00:00:00Z", ALWAYS_FROM_NS, APRIL_NS),
        ("valid_from = 2017-04-01T08:30:00+08:30", APRIL_NS, FOREVER_UNTIL_NS),
        ('valid_from = "2017-04-01"', APRIL_NS, FOREVER_UNTIL_NS),
        ("valid_from = 1969-12-31", -DAY_NS, FOREVER_UNTIL_NS),
    ],
)
def test_validity(load, line: str, from_ns: int, until_ns: int) -> None:
    plan = load(f'[[block]]\nname = "one"\nprefixes = ["192.0.2.0/24"]\n{line}\n')
    assert struct.unpack("<q", plan.valid_from_ns) == (from_ns,)
    assert struct.unpack("<q", plan.valid_until_ns) == (until_ns,)


HEAD = '[[block]]\nname = "one"\nprefixes = ["192.0.2.0/24"]\n'
MISTAKES = {
    "host bits": ('[[block]]\nname = "x"\nprefixes = [\n  "192.0.2.0/24", "198.51.100.0/24",\n  "10.0.0.1/8",\n]', 5, "10.0.0.1/8", "did you mean 10.0.0.0/8?"),
    "second block": (HEAD + '\n[[block]]\nname = "two"\nprefixes = ["x"]', 7, "'x'", "write an address"),
    "unknown key": (HEAD + 'confidense = "high"', 4, "confidense", "did you mean confidence?"),
    "unknown table": (HEAD + "[blocks]", 4, "blocks", "did you mean block?"),
    "misspelt": ('[[blocks]]\nname = "x"', 1, "blocks", "did you mean block?"),
    "single table": ('# x\n[block]\nname = "x"', 2, "block", "begin each with [[block]]"),
    "no name": ('\n[[block]]\nprefixes = ["192.0.2.0/24"]', 2, "without name", "add name"),
    "no prefixes": ('\n[[block]]\nname = "x"', 2, "without prefixes", "add prefixes"),
    "empty prefixes": ('[[block]]\nname = "x"\nprefixes = []', 3, "prefixes", 'write prefixes = ["..."]'),
    "prefixes as text": ('[[block]]\nname = "x"\nprefixes = "192.0.2.0/24"', 3, "192.0.2.0/24", 'prefixes = ["..."]'),
    "a number among prefixes": ('[[block]]\nname = "x"\nprefixes = ["192.0.2.0/24",\n 7]', 4, "'7'", 'write "..."'),
    "confidence": (HEAD + 'confidence = "hihg"', 4, "hihg", "did you mean high?"),
    "role": (HEAD + 'role = "owner"', 4, "owner", "holder, relay"),
    "country": (HEAD + 'claimed_country = "Korea"', 4, "Korea", "ISO 3166"),
    "holder": (HEAD + "holder = 7", 4, "'7'", 'write holder = "..."'),
    "control character": (HEAD + 'note = "a\\u001bb"', 4, "a\\\\x1bb", "leave it out"),
    "date": (HEAD + 'valid_from = "April"', 4, "April", "2017-04-01"),
    "local time": (HEAD + "valid_from = 2017-04-01T00:00:00", 4, "offset", "in UTC"),
    "far date": (HEAD + "valid_from = 0001-01-01", 4, "out of range", "1678"),
    "backwards": (HEAD + "valid_from = 2017-04-02\nvalid_to = 2017-04-01", 5, "2017-04-01", "behind valid_from"),
    "slash": ('[[block]]\nname = "a/b"\nprefixes = ["192.0.2.0/24"]', 2, "a/b", "did you mean a-b?"),
    "long name": (f'[[block]]\nname = "{"x" * 65}"\nprefixes = ["192.0.2.0/24"]', 2, "xxx", "at most 64"),
    "blank name": ('[[block]]\nname = " "\nprefixes = ["192.0.2.0/24"]', 2, "without a name", "give it a name"),
    "same name": (HEAD + HEAD + 'holder = "other"', 7, "different holder", "rename one"),
    "syntax": ('[[block]]\nname = "x\n', 2, "not TOML", "'name"),
    "cut short": ('[[block]]\nname = "x"\nprefixes = [', 3, "not TOML", "Invalid"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "found", "mend"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_have_file_line_text_and_mend(load, text: str, line: int, found: str, mend: str) -> None:
    with pytest.raises(RuleError) as caught:
        load(text, name="blocks.toml", format="blocks")
    message = str(caught.value)
    assert f"blocks.toml:{line}: " in message
    assert found in message
    assert mend in message or found == "not TOML"


@pytest.mark.parametrize("key", ["syntax", "misspelt", "single table", "second block"])
def test_recognised_though_broken(load, key: str) -> None:
    with pytest.raises(RuleError, match=f"list.txt:{MISTAKES[key][1]}: "):
        load(MISTAKES[key][0])


def test_one_name_joins_prefixes_and_dates(load, words) -> None:
    plan = load(
        HEAD + "valid_to = 2017-03-31\n" + HEAD.replace("192.0.2", "198.51.100") + "valid_from = 2017-04-01\n"
    )
    assert words(plan) == {"one": ["192.0.2.0/24", "198.51.100.0/24"]}
    assert len(plan.blocks) == 1
    assert struct.unpack("<2q", plan.valid_until_ns) == (APRIL_NS, FOREVER_UNTIL_NS)
    assert struct.unpack("<2q", plan.valid_from_ns) == (ALWAYS_FROM_NS, APRIL_NS)
    assert plan.warnings == ()


def test_one_prefix_of_one_name_may_have_two_validities(load) -> None:
    plan = load(HEAD + "valid_to = 2017-03-31\n" + HEAD + "valid_from = 2017-05-01\n")
    assert len(plan) == 2
    assert plan.warnings == ()


def test_too_large_for_toml(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.rules.source.MAXIMUM_TOML_BYTES", 10)
    with pytest.raises(RuleError, match="split the file"):
        load(HEAD)
