"""What the caller of `write_records` may choose."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Literal, get_args

from sensor.errors import ConfigError
from sensor.study.use import Window

Outside = Literal["truncated", "encrypted", "kept"]

DEFAULT_K = 5
DEFAULT_ROUND_TIME_S = 3600
_LEAST_ROUND_TIME_S = 60
_DAY_S = 86_400


@dataclass(frozen=True)
class RecordOptions:
    """How records are written.

    Attributes
    ----------
    key_file
        32 bytes, made where there are none.
    k
        What is told beside a pseudonym (names, JA4, services, countries ...) is shared by as many inside hosts.
    outside
        Outside addresses: their network (``/24``, ``/48``), a pseudonym of their own, or as they are.
    round_time_s
        Times are rounded down to it. It divides a day, so that each record stays in its UTC day.
    window
        Which days.

    Raises
    ------
    ConfigError
        One of them makes no sense.
    """

    key_file: Path
    k: int = DEFAULT_K
    outside: Outside = "truncated"
    round_time_s: int = DEFAULT_ROUND_TIME_S
    window: Window = field(default_factory=lambda: Window(UTC))

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(f"k is {self.k}: at least 1 host shares a value")
        if self.outside not in get_args(Outside):
            raise ConfigError(f"outside addresses are {', '.join(get_args(Outside))}, not {self.outside!r}")
        if self.round_time_s < _LEAST_ROUND_TIME_S or _DAY_S % self.round_time_s:
            raise ConfigError(
                f"times cannot be rounded to {self.round_time_s} s: it is a divisor of a day, "
                f"{_LEAST_ROUND_TIME_S} s at least"
            )
