"""Write the shipped rules for names as one file that is read at once: ``python -m sensor.rules.compile``."""

import json
import sys
from dataclasses import astuple
from pathlib import Path

from sensor.rules.compiled import COMPILED_FILE, digest_of
from sensor.rules.location import shipped
from sensor.rules.names import read_shipped


def write_compiled(target: Path) -> None:
    """Compile the shipped rules into a file, which appears whole or not at all.

    Raises
    ------
    RuleError
        A rule is refused.
    OSError
        The file cannot be written.
    """
    digest = digest_of(shipped())
    rules = read_shipped()
    document = {
        "digest": digest,
        "services": [astuple(service) for service in rules.services.services.values()],
        "owners": rules.services.owners,
        "categories": rules.application_categories,
    }
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    unfinished.replace(target)


if __name__ == "__main__":
    write_compiled(Path(sys.argv[1]) if len(sys.argv) > 1 else shipped() / COMPILED_FILE)
