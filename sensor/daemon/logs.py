"""Structured logs: an event and its keys, for people on a terminal, as JSON elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final, Literal, TextIO, cast

import structlog

from sensor.rules.mistake import printable

Format = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

_MOST_VALUE_CHARACTERS: Final = 2000

Event = MutableMapping[str, Any]


def configure(format: Format = "auto", level: Level = "info", stream: TextIO | None = None) -> None:  # noqa: A002
    """Decide where logs go and in which form, for the whole process.

    Parameters
    ----------
    format
        ``auto`` is ``console`` on a terminal and ``json`` otherwise.
    level
        The lowest level that is written.
    stream
        Standard error where None.
    """
    stream = sys.stderr if stream is None else stream
    terminal = stream.isatty()
    as_json = format == "json" or (format == "auto" and not terminal)
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
        if as_json
        else [_printable_values, _console(colours=terminal)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _Unfailing(stream))),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(max(_number(level), logging.WARNING))
    # It warns of a file for traffic control that a service does not see; nothing here controls traffic.
    logging.getLogger("pyroute2.netlink.rtnl.tcmsg").setLevel(logging.ERROR)


def logger(**context: Any) -> Any:
    """A logger whose events all carry the given keys."""
    return structlog.get_logger().bind(**context)


class Episode:
    """A loss that comes and goes, told when it began and when it ended, however often it is counted.

    At most one line in ``interval_s`` seconds is written: the beginning, that it goes on, or the end with
    the total. Losses that follow one another faster than that are one episode.

    Parameters
    ----------
    kind
        What is lost, in words that stand before "began" and "ended".
    interval_s
        Least time between two lines.
    quiet_s
        Time without loss after which it has ended.
    context
        Keys of every line.
    """

    def __init__(
        self,
        kind: str,
        *,
        interval_s: float = 60.0,
        quiet_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        **context: Any,
    ) -> None:
        self._kind = kind
        self._interval_s = interval_s
        self._quiet_s = quiet_s
        self._clock = clock
        self._context = context
        self._active = False
        self._told = False
        self._total = self._total_told = 0
        self._began_at = self._last_at = 0.0
        self._line_at = float("-inf")

    def add(self, count: int) -> None:
        """Count what was lost since the last call; call it with 0 too, so that the end is noticed."""
        now = self._clock()
        if count > 0:
            if not self._active:
                self._active, self._told = True, False
                self._total = self._total_told = 0
                self._began_at = now
            self._total += count
            self._last_at = now
        if not self._active or now - self._line_at < self._interval_s:
            return
        if now - self._last_at >= self._quiet_s:
            self._end(now)
        elif not self._told:
            self._line(now, "warning", "began")
        elif self._total > self._total_told:
            self._line(now, "warning", "goes on")

    def close(self) -> None:
        """Tell the total of an episode that has not ended, as at the end of the process."""
        if self._active:
            self._end(self._clock())

    def _end(self, now: float) -> None:
        self._active = False
        self._line(now, "info", "ended")

    def _line(self, now: float, level: str, step: str) -> None:
        self._told = True
        self._line_at = now
        self._total_told = self._total
        getattr(logger(**self._context), level)(
            f"{self._kind} {step}", lost=self._total, lasted_s=round(self._last_at - self._began_at, 1)
        )


class _Unfailing:
    """A stream that nobody has to be reading: a sensor does not stop because its log does."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class _FromLibraries(logging.Handler):
    """What libraries log by the standard module, in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger(library=record.name).log(record.levelno, record.getMessage())
        except Exception:  # noqa: BLE001 # a library's wrong log call is not to stop the sensor
            self.handleError(record)


def _console(*, colours: bool) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=colours, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
    )


def _printable_values(_logger: object, _method: str, event: Event) -> Event:
    """Keep what came from the wire from commanding the terminal; JSON escapes by itself."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value, limit=_MOST_VALUE_CHARACTERS)
    return event


def _number(level: Level) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
