"""Looks at segments in a process of their own: some damage makes a library end the process that reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from sensor.store.integrity import Fault, Look
from sensor.store.layout import Segment, parse_segment
from sensor.store.place import Place, place_of
from sensor.store.place.model import local_root

__all__ = ["find_faults", "looked_at"]


def find_faults(place: Place, segments: Iterable[Segment], look: Look) -> list[Fault]:
    """The segments that are not whole. One that has gone meanwhile is none of them."""
    return [fault for fault in looked_at(place, segments, (look,)) if fault is not None]


def looked_at(place: Place, segments: Iterable[Segment], looks: tuple[Look, ...]) -> Iterator[Fault | None]:
    """Look at one segment after the other; the first fault that one of the ways finds, or None where it is whole."""
    root = local_root(place)
    if root is None:
        for segment in segments:
            yield _first_fault(place, segment, looks)
        return
    reader: _Reader | None = None
    try:
        for segment in segments:
            reader = reader or _Reader(root, looks)
            answer = reader.ask(segment)
            if answer is None:
                reader.close()
                reader = None
                yield Fault(segment, "whatever reads it is ended by it")
            else:
                yield _fault(segment, answer)
    finally:
        if reader is not None:
            reader.close()


class _Reader:
    """The other process. It is told a segment a line, and answers with a line."""

    def __init__(self, root: Path, looks: tuple[Look, ...]) -> None:
        names = [f"{look.__module__}:{look.__qualname__}" for look in looks]
        self._process = subprocess.Popen(  # noqa: S603 # this very program
            [sys.executable, "-m", __name__, str(root), *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def ask(self, segment: Segment) -> dict[str, Any] | None:
        """What is wrong with a segment; None where the other process did not live to say it."""
        source, sink = self._process.stdin, self._process.stdout
        if source is None or sink is None:
            return None
        try:
            source.write(segment.relative_path + "\n")
            source.flush()
            line = sink.readline()
        except OSError:
            return None
        return dict(json.loads(line)) if line else None

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._process.communicate()


def _first_fault(place: Place, segment: Segment, looks: tuple[Look, ...]) -> Fault | None:
    for look in looks:
        fault = look(place, segment)
        if fault is not None:
            return fault
    return None


def _fault(segment: Segment, answer: dict[str, Any]) -> Fault | None:
    if "error" in answer:
        raise OSError(answer["errno"], answer["error"], segment.relative_path)
    if not answer:
        return None
    for name in ("first", "last"):
        answer[name] = datetime.fromisoformat(answer[name]) if answer[name] else None
    return Fault(segment, **answer)


def _answer(fault: Fault | None) -> dict[str, Any]:
    if fault is None:
        return {}
    told = asdict(fault)
    del told["segment"]
    return told | {name: told[name].isoformat() if told[name] else None for name in ("first", "last")}


def _look_of(name: str) -> Look:
    module, _, function = name.partition(":")
    look: Callable[[Place, Segment], Fault | None] = getattr(import_module(module), function)
    return look


def _answer_all(root: str, names: list[str]) -> None:
    place, looks = place_of(root), tuple(_look_of(name) for name in names)
    for line in sys.stdin:
        segment = parse_segment(line.rstrip("\n"))
        try:
            answer = _answer(_first_fault(place, segment, looks) if segment is not None else None)
        except OSError as error:
            answer = {"errno": error.errno, "error": error.strerror or str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _answer_all(sys.argv[1], sys.argv[2:])
