"""Reading a rule file: bounded, as text, with the line numbers a person sees."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sensor.errors import RuleError
from sensor.rules.mistake import TextError, printable_path, rule_error

MAXIMUM_FILE_BYTES = 512 * 1024**2
"""Most bytes of a list that is read line by line."""
MAXIMUM_DOCUMENT_BYTES = 64 * 1024**2
"""Most bytes of a file that has to be parsed as a whole (JSON, nft)."""
MAXIMUM_TOML_BYTES = 16 * 1024**2
"""Most bytes of a TOML file."""
MAXIMUM_LINE_BYTES = 8192
"""Most bytes of one line of a list."""
MOST_SHOWN = 40
"""Most letters of a key that a message shows."""
MAXIMUM_KEY_DOTS = 16
"""Most dots of one key of a TOML file: the parser takes time that grows with their square."""

_COUNTRY_SUFFIX = re.compile(r"(?s)(?P<path>.+)#(?P<country>[A-Z]{2})")
_QUOTED_OR_COMMENT = re.compile(r"""\"[^"\n]*"|'[^'\n]*'|\#[^\n]*""", re.VERBOSE)
_TOML_WORD = re.compile(r"[^\s,=\[\]{}]+")
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
}


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one rule file and what it is called.

    Attributes
    ----------
    path : str
        As given, for messages.
    name : str
        Name of the file without its last suffix.
    data : bytes
        UTF-8 without a byte order mark.
    country : str
        Country asked for behind ``#``, or empty.
    """

    path: str
    name: str
    data: bytes
    country: str = ""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield each line with its number, from 1; line ends are still on."""
        return enumerate(io.BytesIO(self.data), 1)

    def text(self, *, maximum_bytes: int = MAXIMUM_DOCUMENT_BYTES) -> str:
        """Return the whole text, its line ends as line feeds.

        Raises
        ------
        RuleError
            The file is too large to be parsed as a whole, or is not UTF-8.
        """
        if len(self.data) > maximum_bytes:
            limit = f"{maximum_bytes // 1024**2} MiB"
            raise RuleError(f"{printable_path(self.path)}: more than {limit} in this format; split the file")
        try:
            return self.data.decode().replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            bad = self.data[error.start : error.start + 8].decode(errors="backslashreplace")
            raise rule_error(self.path, line, bad, TextError("not UTF-8", "save the file as UTF-8")) from None

    def toml_text(self) -> str:
        """Return the text of a TOML file that the parser can be given.

        Raises
        ------
        RuleError
            Besides what `text` refuses: a key of so many parts that parsing would not end soon.
        """
        text = self.text(maximum_bytes=MAXIMUM_TOML_BYTES)
        bare = _QUOTED_OR_COMMENT.sub("", text).replace(" ", "").replace("\t", "")
        for word in _TOML_WORD.finditer(bare):
            # A line of dots stands in texts; a key has something between any two.
            if word[0].count(".") > MAXIMUM_KEY_DOTS and ".." not in word[0]:
                line = bare.count("\n", 0, word.start()) + 1
                mistake = TextError(f"a key of more than {MAXIMUM_KEY_DOTS} dots", "use a shorter one")
                raise rule_error(self.path, line, word[0][:MOST_SHOWN], mistake)
        return text


def read_source(path: Path) -> Source:
    """Read a rule file; ``FILE#KP`` asks for one country of a registry's file.

    Raises
    ------
    RuleError
        The file cannot be read, is empty, too large, compressed or not text.
    """
    country = ""
    match = _COUNTRY_SUFFIX.fullmatch(str(path))
    if match and not path.exists():
        path, country = Path(match["path"]), match["country"]
    shown = printable_path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAXIMUM_FILE_BYTES + 1)
    except OSError as error:
        raise RuleError(f"{shown}: cannot be read: {error.strerror or error}") from error
    _refuse_what_is_no_text(shown, data)
    return Source(str(path), path.stem, data.removeprefix(b"\xef\xbb\xbf"), country)


def _refuse_what_is_no_text(shown: str, data: bytes) -> None:
    if len(data) > MAXIMUM_FILE_BYTES:
        raise RuleError(f"{shown}: more than {MAXIMUM_FILE_BYTES // 1024**2} MiB; split the file")
    for magic, kind in _COMPRESSED.items():
        if data.startswith(magic):
            raise RuleError(f"{shown}: compressed with {kind}; unpack it first")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RuleError(f"{shown}: UTF-16 text; save it as UTF-8")
    zero = data.find(b"\0")
    if zero >= 0:
        line = data.count(b"\n", 0, zero) + 1
        raise RuleError(
            f"{shown}:{line}: a zero byte at offset {zero}: this is no text file; give a list of addresses"
        )
    if not data.strip():
        raise RuleError(f"{shown}: empty; give at least one address")
