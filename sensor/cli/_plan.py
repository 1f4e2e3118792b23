"""The plan that a command's words, settings or the shipped rules give."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sensor.cli._say import say
from sensor.errors import RuleError
from sensor.rules import Plan, load_plan

if TYPE_CHECKING:
    from sensor.config import RuleSettings


def load_asked_plan(
    settings: "RuleSettings",
    blocks: list[Path] | None,
    watch: list[str] | None,
    list_format: str | None = None,
) -> Plan:
    """Take the rules named by hand, else those of the settings, else the shipped ones; tell what is odd."""
    _check_words(watch, list_format)
    by_hand = bool(blocks or watch)
    plan = load_plan(
        blocks or ([] if by_hand else settings.blocks),
        watch or ([] if by_hand else settings.watch),
        format=list_format,
    )
    for warning in plan.warnings:
        say(f"warning: {warning}")
    if plan.refused:
        first = plan.refused[0]
        say(
            f"warning: {len(plan.refused)} lines were left out; the first is {first.file}:{first.line}: "
            f"{first.text}: {first.reason}; `blocktap check` lists them"
        )
    return plan


def _check_words(watch: list[str] | None, list_format: str | None) -> None:
    """Tell a mistake in the options themselves from one in a file of rules."""
    try:
        load_plan([], watch or ["::/0"], format=list_format)
    except RuleError as error:
        raise typer.BadParameter(str(error)) from None
