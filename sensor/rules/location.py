"""Where the rules that come with the package lie."""

from pathlib import Path

from sensor.errors import RuleError

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped() -> Path:
    """Return the folder of the shipped rules: inside the package, or ``rules/`` of a checkout.

    Raises
    ------
    RuleError
        Neither is there: the installation is broken.
    """
    for folder in (_PACKAGE / "_rules", _PACKAGE.parent / "rules"):
        if (folder / "blocks.toml").is_file():
            return folder
    raise RuleError(f"{_PACKAGE / '_rules'}: the shipped rules are missing; install the package again")
