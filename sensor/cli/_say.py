"""Words for people, on standard error."""

import sys


def say(text: str) -> None:
    """Say one thing, whatever stands in it, in one line."""
    from sensor.rules.mistake import printable

    print(f"blocktap: {printable(text, limit=2000)}", file=sys.stderr)
