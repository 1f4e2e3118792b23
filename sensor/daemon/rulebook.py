"""The rules of a running sensor: read at the start, read again when asked, kept where the new ones are bad."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sensor.config import Config, RuleSettings, load_config
from sensor.daemon.logs import logger
from sensor.errors import ConfigError, RuleError
from sensor.metrics import RuleState
from sensor.rules import Plan, load_plan
from sensor.rules.names import NameRules, load_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asked", "RuleBook", "Rules"]


@dataclass(frozen=True)
class Rules:
    """What is watched, and what names are called."""

    plan: Plan
    names: NameRules

    def counts(self) -> Mapping[str, int]:
        """How many of each kind."""
        return {
            "blocks": len(self.plan.blocks),
            "prefixes": len(self.plan.lengths),
            "services": len(self.names.catalogue.services),
            "suffixes": len(self.names.catalogue.suffixes),
        }


@dataclass(frozen=True)
class Asked:
    """Rules named by hand, which stand in for those of the settings file."""

    blocks: tuple[Path, ...] = ()
    watch: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    format: str | None = None


class RuleBook:
    """Reads rules, and remembers how the last reading went.

    Parameters
    ----------
    config
        Settings as they were read.
    path
        Where from; read again at each reload, of which only ``[rules]`` is taken.
    asked
        What the command line named.

    Raises
    ------
    RuleError
        With file, line, the offending text and the mend.
    """

    def __init__(self, config: Config, path: Path | None, asked: Asked) -> None:
        self._config = config
        self._path = path
        self._asked = asked
        self.rules = self._read(config.rules)
        self._succeeded_at = time.time()
        self._successful = True

    def reload(self, take: Callable[[Rules], None]) -> Rules:
        """Read the rules again and hand them to ``take``; where either fails, the old ones stay.

        Raises
        ------
        RuleError, ConfigError
            Why the rules stay as they are; the log has it too.
        """
        try:
            config = self._config if self._path is None else load_config(self._path)
            rules = self._read(config.rules)
            take(rules)
        except Exception as error:
            self._successful = False
            logger().error("rules refused, the old ones stay", reason=str(error))
            raise
        left = [
            name
            for name in Config.model_fields
            if name != "rules" and getattr(config, name) != getattr(self._config, name)
        ]
        if left:
            logger().warning("settings changed that only a restart takes", settings=left)
        self.rules = rules
        self._succeeded_at = time.time()
        self._successful = True
        logger().info("rules loaded", **rules.counts())
        return rules

    def state(self) -> RuleState:
        """How it stands, for the metrics."""
        return RuleState(self._successful, self._succeeded_at, self.rules.counts())

    def _read(self, settings: RuleSettings) -> Rules:
        asked = self._asked
        by_hand = bool(asked.blocks or asked.watch)
        plan = load_plan(
            list(asked.blocks) if by_hand else settings.blocks,
            list(asked.watch) if by_hand else settings.watch,
            format=asked.format,
        )
        for warning in plan.warnings:
            logger().warning("rules are odd", warning=warning)
        if plan.refused:
            first = plan.refused[0]
            logger().warning(
                "lines were left out",
                lines=len(plan.refused),
                first=f"{first.file}:{first.line}: {first.text}: {first.reason}",
            )
        return Rules(plan, load_names([*settings.folders, *asked.folders]))


RELOAD_ERRORS = (RuleError, ConfigError)
"""What a reload fails with."""
