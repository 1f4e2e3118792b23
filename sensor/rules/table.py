"""A TOML rule file as tables whose values can be asked for by type, with the line in every error."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sensor.errors import RuleError
from sensor.rules.mistake import TextError, nearest, printable, printable_path, rule_error
from sensor.rules.source import Source
from sensor.rules.toml_lines import Path, line_of, toml_lines

MAXIMUM_TEXT_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Table:
    """One ``[[table]]`` of a rule file."""

    file: str
    path: Path
    values: dict[str, object]
    lines: dict[Path, int]

    def line(self, *path: str | int) -> int:
        """Return the line of a key, or of an element of its array."""
        return line_of(self.lines, self.path + path)

    def error(self, mistake: TextError, text: str, *path: str | int) -> RuleError:
        """Make the error that refuses the file because of this key."""
        return rule_error(self.file, self.line(*path), text, mistake)

    def check_keys(self, known: Iterable[str], required: Iterable[str]) -> None:
        """Refuse unknown keys and miss required ones."""
        names = list(known)
        for key in self.values:
            if key not in names:
                raise self.error(TextError("an unknown key", nearest(key, names)), key, key)
        for key in required:
            if key not in self.values:
                name = self.path[0]
                raise self.error(TextError(f"a [[{name}]] without {key}", f"add {key} = ..."), key)

    def text(self, key: str) -> str:
        """Return a string of printable characters, or the empty string."""
        value = self.values.get(key, "")
        if not isinstance(value, str):
            raise self.error(TextError(f"{key} is not a text", f'write {key} = "..."'), str(value), key)
        if len(value) > MAXIMUM_TEXT_CHARACTERS:
            raise self.error(
                TextError(f"{key} is too long", f"use at most {MAXIMUM_TEXT_CHARACTERS} characters"),
                value,
                key,
            )
        if not value.replace("\n", "").isprintable():
            raise self.error(TextError(f"a control character in {key}", "leave it out"), value, key)
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of strings that is not empty."""
        value = self.values.get(key)
        if not isinstance(value, list) or not value:
            shown = str(value)
            raise self.error(
                TextError(f"{key} is not a list with entries", f'write {key} = ["..."]'), shown, key
            )
        for index, entry in enumerate(value):
            if not isinstance(entry, str):
                raise self.error(
                    TextError(f"{key} holds what is not a text", 'write "..."'), str(entry), key, index
                )
        return value

    def word(self, key: str, words: tuple[str, ...], default: str) -> str:
        """Return one of a few words."""
        if key not in self.values:
            return default
        value = self.text(key)
        if value not in words:
            raise self.error(
                TextError(f"{key} is not one of {', '.join(words)}", nearest(value, words)), value, key
            )
        return value


def read_tables(source: Source, name: str) -> Iterator[Table]:
    """Yield the ``[[name]]`` tables of a file that holds nothing else.

    Raises
    ------
    RuleError
        The file is not TOML, or holds something else, or nothing.
    """
    text = source.toml_text()
    document = _parse(source, text)
    lines = toml_lines(text)
    for key in document:
        if key != name:
            raise rule_error(
                source.path, line_of(lines, (key,)), key, TextError("an unknown key", nearest(key, [name]))
            )
    tables = document.get(name)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables) or not tables:
        line = line_of(lines, (name,))
        raise rule_error(
            source.path, line, name, TextError(f"no list of {name}s", f"begin each with [[{name}]]")
        )
    for index, values in enumerate(tables):
        yield Table(source.path, (name, index), values, lines)


def _parse(source: Source, text: str) -> dict[str, object]:
    shown = printable_path(source.path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, message = where_toml_breaks(text, error)
        lines = text.split("\n")
        bad = lines[line - 1].strip() if line <= len(lines) else ""
        raise rule_error(source.path, line, bad, TextError("not TOML", message)) from None
    except RecursionError:
        raise RuleError(f"{shown}: TOML nested too deeply for a rule file") from None
    except ValueError as error:  # a number of too many digits, a day that does not exist
        raise RuleError(f"{shown}: not TOML: {printable(str(error))}") from None


def where_toml_breaks(text: str, error: tomllib.TOMLDecodeError) -> tuple[int, str]:
    """Return the line of a syntax error and what is wrong, both out of the message of ``tomllib``."""
    message, _, place = str(error).rpartition(" (at ")
    if place.startswith("line "):
        return int(place.removeprefix("line ").partition(",")[0]), printable(message)
    return text.count("\n") + 1, printable(message or str(error))
