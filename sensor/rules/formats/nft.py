"""Element lists of nftables: ``nft list ruleset``, ``add element``, or ``elements = { ... }`` alone.

A set or a variable with a name is a block of that name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sensor.rules.address import Prefix, parse_cidr, parse_range
from sensor.rules.gather import ListReader
from sensor.rules.mistake import TextError
from sensor.rules.source import Source

_TOKEN = re.compile(r'"[^"\n]*"|#[^\n]*|[{}=,;]|\n|[^\s{}=,;#"]+|"')
_NAMED_BY = frozenset({"set", "map", "define", "element"})
MOST_WORDS = 64
"""Most words kept of one statement or element; real ones have a tenth of that."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign, and the line it stands in."""

    text: str
    line: int


@dataclass(slots=True)
class Statement:
    """What is known before a brace opens: the words so far and the name of the set around."""

    words: list[str] = field(default_factory=list)
    set_name: str = ""

    def opens_elements(self) -> bool:
        """Tell whether the brace that follows holds elements; keeps the name of a set that opens."""
        words, self.words = self.words, []
        if not words or words == ["elements", "="]:
            return True
        if words[0] == "define" and words[-1] == "=":
            self.set_name = words[1] if len(words) > 2 else ""
            return True
        keyword = next((index for index, word in enumerate(words) if word in _NAMED_BY), None)
        self.set_name = words[-1] if keyword is not None and keyword + 1 < len(words) else ""
        return keyword is not None and words[keyword] == "element"


def read(source: Source, reader: ListReader) -> None:
    """Read the elements of all sets."""
    statement = Statement()
    tokens = _tokens(source.text())
    for token in tokens:
        if token.text == "{":
            if statement.opens_elements():
                _read_elements(tokens, reader, statement.set_name)
        elif token.text in {";", "\n", "}"}:
            statement.words.clear()
        elif len(statement.words) < MOST_WORDS:
            statement.words.append(token.text)


def _tokens(text: str) -> Iterator[Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        word = match[0]
        if not word.startswith("#"):
            yield Token(word, line)
        if word == "\n":
            line += 1


def _read_elements(tokens: Iterator[Token], reader: ListReader, name: str) -> None:
    words: list[str] = []
    line = 0
    for token in tokens:
        if token.text in {",", "}"}:
            _add_element(words, line, reader, name)
            words = []
            if token.text == "}":
                return
        elif token.text != "\n" and len(words) < MOST_WORDS:
            line = line if words else token.line
            words.append(token.text)
    reader.refuse(line, " ".join(words), TextError("the list of elements does not end", "close it with }"))


def _add_element(words: list[str], line: int, reader: ListReader, name: str) -> None:
    if not words:
        return
    try:
        for prefix in _element_prefixes(words):
            reader.add(prefix, line, name)
    except TextError as mistake:
        reader.refuse(line, " ".join(words), mistake)


def _element_prefixes(words: list[str]) -> list[Prefix]:
    address, options = words[0], words[1:]
    if options[:1] == ["."]:
        raise TextError("more than an address in the element", "use a set of type ipv4_addr or ipv6_addr")
    if options[:1] == ["-"]:  # a range written with spaces
        address = "".join(words[:3])
    if "-" in address:
        return parse_range(*address.split("-", 1))
    return [parse_cidr(address, mask_host_bits=True)]
