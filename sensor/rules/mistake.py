"""Words for what is wrong with a piece of a rule file, safe to print whatever the file holds."""

from collections.abc import Iterable
from difflib import get_close_matches

from sensor.errors import RuleError

TEXT_SHOWN_CHARACTERS = 80
PATH_SHOWN_CHARACTERS = 512


class TextError(ValueError):
    """A piece of text cannot be used; whoever reads the file knows the line and adds it."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


def printable(text: str, *, limit: int = TEXT_SHOWN_CHARACTERS) -> str:
    """Escape control and other unprintable characters, and cut what is long."""
    shown = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in shown
    )


def printable_path(path: object) -> str:
    """Escape a path for a message."""
    return printable(str(path), limit=PATH_SHOWN_CHARACTERS)


def rule_error(path: str, line: int, text: str, mistake: TextError) -> RuleError:
    """Make the error that refuses a whole file because of one of its lines."""
    return RuleError(f"{printable_path(path)}:{line}: {mistake.reason}: {printable(text)!r}; {mistake.mend}")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the mend for a word that is not one of the known ones."""
    names = list(known)
    close = get_close_matches(word, names, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
