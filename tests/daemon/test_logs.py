"""Logs: their form, what cannot harm them, and losses told without a flood."""

import io
import json
import logging

import pytest

from sensor.daemon.logs import Episode, configure, logger


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    written = io.StringIO()
    configure(stream=written)
    return written


def test_json_off_a_terminal(stream: io.StringIO) -> None:
    logger(interface="tap0").info("link up", speed_mbps=1000)
    (line,) = lines(stream)
    assert str(line.pop("time")).endswith("Z")
    assert line == {"event": "link up", "level": "info", "interface": "tap0", "speed_mbps": 1000}


def test_console_on_a_terminal_and_forced_forms() -> None:
    terminal = Terminal()
    configure(stream=terminal)
    logger().warning("names", name="evil\x1b]0;title\x07\nsecond line")
    assert "\x1b]0;" not in terminal.getvalue()
    assert terminal.getvalue().count("\n") == 1
    configure("json", stream=terminal)
    logger().info("as json")
    assert json.loads(terminal.getvalue().splitlines()[-1])["event"] == "as json"
    plain = io.StringIO()
    configure("console", stream=plain)
    logger().info("for people", key=1)
    assert "for people" in plain.getvalue()
    assert "key=1" in plain.getvalue()
    assert "\x1b" not in plain.getvalue()


def test_level() -> None:
    written = io.StringIO()
    configure(level="warning", stream=written)
    logger().info("no")
    logger().warning("yes")
    assert [line["event"] for line in lines(written)] == ["yes"]


def test_exception_is_one_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        logger().exception("failed")
    assert "ValueError: why" in str(lines(stream)[0]["exception"])


def test_libraries_log_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("odd: %s", 7)
    logging.getLogger("some.library").info("chatter")
    assert [(line["event"], line["library"]) for line in lines(stream)] == [("odd: 7", "some.library")]


def test_broken_stream_is_survived() -> None:
    stream = io.StringIO()
    configure(stream=stream)
    stream.close()
    logger().error("nobody reads this")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def told(stream: io.StringIO) -> list[tuple[object, object]]:
    return [(line["event"], line["lost"]) for line in lines(stream)]


def test_episode_begins_and_ends(stream: io.StringIO, clock: Clock) -> None:
    episode = Episode("kernel drops", clock=clock, interface="tap0")
    for count in [0, 0, 5, 7, *[0] * 80]:
        episode.add(count)
        clock.now += 1
    assert told(stream) == [("kernel drops began", 5), ("kernel drops ended", 12)]
    assert [line["level"] for line in lines(stream)] == ["warning", "info"]
    assert lines(stream)[1]["lasted_s"] == 1.0
    assert lines(stream)[1]["interface"] == "tap0"


def test_episode_goes_on_once_an_interval(stream: io.StringIO, clock: Clock) -> None:
    episode = Episode("kernel drops", clock=clock)
    for _ in range(121):
        episode.add(1)
        clock.now += 1
    assert told(stream) == [
        ("kernel drops began", 1), ("kernel drops goes on", 61), ("kernel drops goes on", 121),
    ]  # fmt: skip
    episode.close()
    episode.close()
    assert told(stream)[3:] == [("kernel drops ended", 121)]


def test_flapping_is_no_flood_and_loses_no_count(stream: io.StringIO, clock: Clock) -> None:
    episode = Episode("drops", clock=clock, interval_s=60, quiet_s=5)
    for second in range(3600):
        episode.add(1 if second % 20 == 0 else 0)
        clock.now += 1
    episode.close()
    assert len(lines(stream)) <= 62
    ended = sum(int(str(lost)) for event, lost in told(stream) if event == "drops ended")
    assert ended == 180
