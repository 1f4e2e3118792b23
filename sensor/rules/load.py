"""Rule files and blocks given by hand, in any format, to one plan."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from sensor.errors import RuleError
from sensor.rules.address import parse_prefixes
from sensor.rules.columns import Columns, columns_of_gathered
from sensor.rules.gather import Gathered
from sensor.rules.location import shipped
from sensor.rules.mistake import TextError, printable, printable_path
from sensor.rules.model import BY_HAND, Block, Plan
from sensor.rules.overlaps import find_overlaps


def load_plan(blocks_files: Sequence[Path], watch: Sequence[str], *, format: str | None = None) -> Plan:  # noqa: A002
    """Load every rule file and every block given by hand into one plan.

    Parameters
    ----------
    blocks_files : sequence of Path
        Rule files; ``FILE#KP`` takes one country of a registry's file. With neither files nor
        ``watch``, the shipped ``blocks.toml``.
    watch : sequence of str
        Prefixes or ranges, each a block named by its own text.
    format : str, optional
        Format of all files, where recognition is not wanted; ``rir:KP`` takes one country.

    Returns
    -------
    Plan
        What the core compiles, with warnings and the lines that were left out.

    Raises
    ------
    RuleError
        A file cannot be read, has no usable line, or is a ``blocks.toml`` with a mistake.
    """
    gathered = Gathered()
    files = list(blocks_files) or ([] if watch else [shipped() / "blocks.toml"])
    if files or format is not None:
        # The readers of all formats; blocks given by hand need none.
        from sensor.rules.files import read_files

        read_files(files, format, gathered)
    for text in watch:
        _watch(text, gathered)
    return compile_plan(gathered)


def _watch(text: str, gathered: Gathered) -> None:
    try:
        prefixes = parse_prefixes(text.strip())
    except TextError as mistake:
        raise RuleError(f"{BY_HAND} {printable(text)}: {mistake.reason}; {mistake.mend}") from None
    if any(block.path == BY_HAND and block.name == text.strip() for block in gathered.blocks):
        gathered.warnings.append(f"{BY_HAND} {text.strip()} is given twice")
        return
    gathered.begin(gathered.new_block(Block(text.strip(), path=BY_HAND)))
    for prefix in prefixes:
        gathered.add(prefix, 1)


def compile_plan(gathered: Gathered) -> Plan:
    """Make the plan of what was gathered: duplicates left out, overlaps told."""
    columns = columns_of_gathered(gathered)
    findings = find_overlaps(columns)
    columns = columns.without(findings.duplicates)
    return Plan(
        blocks=columns.blocks,
        addresses=columns.addresses.tobytes(),
        lengths=columns.lengths.tobytes(),
        block_indices=columns.block_indices.tobytes(),
        valid_from_ns=columns.valid_from_ns.tobytes(),
        valid_until_ns=columns.valid_until_ns.tobytes(),
        warnings=(*gathered.warnings, *_same_names(columns), *findings.warnings),
        refused=tuple(gathered.refused),
    )


def _same_names(columns: Columns) -> list[str]:
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for block in columns.blocks:
        paths[block.name].append(printable_path(block.path))
    return [
        f"{printable(name)} is the name of a block in {' and in '.join(files)}: their flows will look alike"
        for name, files in paths.items()
        if len(files) > 1
    ]
