"""What format a list has, by what it holds; names of files decide nothing.

Formats with a shape of their own are seen at once; among formats of one entry a line, the one that
most of the first lines look like wins, so that a broken line at the top misleads nobody.
"""

import json
import re

from sensor.errors import RuleError
from sensor.rules.formats import BLOCKS, NAMES
from sensor.rules.formats.csv_table import parse_header
from sensor.rules.formats.lines import COMMENT_SIGNS
from sensor.rules.mistake import TextError, printable, printable_path
from sensor.rules.source import Source

HEAD_BYTES = 64 * 1024
HEAD_LINES = 100
SIGN_CHARACTERS = 256
"""Most characters of a line that are compared with the signs, which bounds their backtracking."""

_ADDRESS = r"(?:\d+(?:\.\d+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*)"
_CIDR = rf"{_ADDRESS}(?:/\d+)?"
_TOML = re.compile(
    r"\[\[?\s*[A-Za-z0-9_.\"' -]+\]\]?\s*(?:#.*)?"
    r"|(?!elements\b)[A-Za-z0-9_-]+\s*=\s*(?:[\"'\[\d]|true|false).*"
)
_NFT = re.compile(
    r"(?:#!.*nft.*|(?:add|create)\s+(?:element|set|table)\s.*|table\s+.*|elements\s*=.*"
    r"|(?:set|map)\s+\S+\s*\{.*|define\s+\S+\s*=.*)"
)
_LINE_SIGNS = {
    "rir": re.compile(r"[^|]*\|[^|]*\|(?:ipv4|ipv6|asn)\|.*|\d(?:\.\d+)?\|[a-z]+\|\d+\|.*|[a-z]+\|\*\|.*"),
    "ipset": re.compile(r"(?:create|add|-A|-N)\s+\S+\s+\S+.*"),
    "iprep": re.compile(rf"{_CIDR}\s*,\s*\d+\s*,\s*\d+"),
    "drop": re.compile(rf"{_CIDR}\s*;.*"),
    "p2p": re.compile(
        rf".*:\s*\d+(?:\.\d+){{3}}\s*-\s*{_ADDRESS}"
        rf"|[^:]*[^0-9A-Fa-f:.\s][^:]*:.*{_ADDRESS}\s*-\s*{_ADDRESS}"
    ),
    "plain": re.compile(rf"(?:{_CIDR}|{_ADDRESS}\s*-\s*{_ADDRESS})\s*(?:#.*)?"),
}


def recognise(source: Source) -> str:
    """Return the name of the format of a rule file.

    Raises
    ------
    RuleError
        Nothing in its first lines is known.
    """
    lines = _head(source.data)
    if not lines:
        raise RuleError(f"{printable_path(source.path)}: nothing but comments; give at least one address")
    if lines[0].startswith("{"):
        return _by_braces(lines)
    lines = [line[:SIGN_CHARACTERS] for line in lines]
    return _by_shape(lines) or _by_votes(lines) or _unknown(source, lines[0])


def _head(data: bytes) -> list[str]:
    text = data[:HEAD_BYTES].decode(errors="replace")
    lines = (line.strip() for line in text.split("\n"))
    return [line for line in lines if line and not line.startswith(COMMENT_SIGNS)][:HEAD_LINES]


def _by_shape(lines: list[str]) -> str | None:
    first = lines[0]
    if any(_NFT.fullmatch(line) for line in lines) and not _is_ipset(lines):
        return "nft"
    if _TOML.fullmatch(first):
        return BLOCKS
    if _has_header(first):
        return "csv"
    return None


def _by_braces(lines: list[str]) -> str:
    inside = lines[0][1:].strip() or (lines[1] if len(lines) > 1 else "")
    if not inside.startswith(('"', "}")):
        return "nft"
    try:
        entry = json.loads(lines[0])
    except (ValueError, RecursionError):
        return "misp"
    return "misp" if "list" in entry else "drop-json"


def _is_ipset(lines: list[str]) -> bool:
    """Tell a set of ipset that is called ``element`` or the like from nftables, which has braces."""
    return all(_LINE_SIGNS["ipset"].fullmatch(line) and "{" not in line for line in lines)


def _has_header(line: str) -> bool:
    if any(sign.fullmatch(line) for sign in _LINE_SIGNS.values()):
        return False
    try:
        return parse_header(line) is not None
    except TextError:
        return False


def _by_votes(lines: list[str]) -> str | None:
    votes = {name: sum(1 for line in lines if sign.fullmatch(line)) for name, sign in _LINE_SIGNS.items()}
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] else None


def _unknown(source: Source, line: str) -> str:
    raise RuleError(
        f"{printable_path(source.path)}: the format is not recognised, it begins with "
        f"{printable(line)!r}; name it, known are {', '.join(NAMES)}"
    )
