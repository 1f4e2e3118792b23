"""TOML made to keep a parser busy: refused at once, with what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sensor.config import load_config
from sensor.errors import ConfigError, RuleError
from sensor.rules import load_plan
from sensor.rules.service_file import read_service_file
from sensor.rules.source import MAXIMUM_KEY_DOTS, read_source
from sensor.simulate.read import load_scenario

LONG = 100_000

BOMBS = {
    "arrays in arrays": "a = " + "[" * LONG,
    "tables in tables": "a = " + "{a=" * LONG,
    "a key of many parts": "a" + ".a" * LONG + " = 1",
    "a key of many parts, spaced": "a" + " . a" * LONG + " = 1",
    "a header of many parts": "[" + "a." * LONG + "a]",
    "a number of many digits": "a = " + "9" * LONG,
}

READERS: dict[str, Callable[[Path], object]] = {
    "settings": load_config,
    "blocks": lambda path: load_plan([path], []),
    "services": read_service_file,
    "scenario": load_scenario,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_is_refused_with_its_file(tmp_path: Path, reader: str, bomb: str) -> None:
    path = tmp_path / "bomb.toml"
    path.write_text(BOMBS[bomb])
    with pytest.raises((ConfigError, RuleError), match=r"bomb\.toml"):
        READERS[reader](path)


@pytest.mark.parametrize(
    "text",
    [
        "note = '" + "a." * LONG + "'",
        "# " + "." * LONG,
        'note = """\n' + "." * LONG + '\n"""',
        "numbers = [" + "1.5, " * LONG + "]",
        "a" + ".a" * MAXIMUM_KEY_DOTS + " = 1",
    ],
)
def test_dots_elsewhere_are_no_bomb(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fine.toml"
    path.write_text(text)
    assert read_source(path).toml_text() == text
