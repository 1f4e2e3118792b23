"""The life of a sensor: opened as root perhaps, ready, reloaded, stopped, nothing left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from sensor.capture import Capturing, RingSettings
from sensor.daemon import privileges
from sensor.daemon.ask import default_path
from sensor.daemon.control import ControlServer
from sensor.daemon.exporting import exporting_of
from sensor.daemon.keeper import Budget, Keeper, KeeperLimits
from sensor.daemon.links import Links, wishes_of
from sensor.daemon.logs import logger
from sensor.daemon.losses import Losses
from sensor.daemon.mover import Mover, StoreLog
from sensor.daemon.notify import Notifier
from sensor.daemon.rulebook import RELOAD_ERRORS, RuleBook, Rules
from sensor.daemon.telling import Telling
from sensor.errors import CaptureError, ConfigError, StoreError
from sensor.interface import clock_state
from sensor.memory import live_shares
from sensor.metrics import MetricsServer, build_registry
from sensor.prefilter import Prefilter
from sensor.store import StoreWriter, WriterOptions
from sensor.store.place.find import is_remote
from sensor.store.place.state import default_folder
from sensor.store.spool import SpoolOptions

if TYPE_CHECKING:
    from sensor.config import Config

__all__ = ["Sensor"]

LOOK_S = 0.25
"""Between two looks at signals, links and losses."""
LOSSES_S = 2.0
"""Between two looks at losses, which cost more than all else that a quiet sensor does."""
STOP_S = 8.0
"""What was captured is written within this time; a service manager waits a little longer."""


@dataclass
class _Asked:
    """What signals have asked for."""

    stop: bool = False
    reload: bool = False


class Sensor:
    """One run of the daemon.

    Parameters
    ----------
    config
        Its settings, with a store and at least one interface.
    rulebook
        What is watched.
    workers
        Threads that decode and count.
    """

    def __init__(self, config: Config, rulebook: RuleBook, workers: int) -> None:
        self._config = config
        self._rulebook = rulebook
        self._workers = workers
        self._asked = _Asked()
        self._notifier = Notifier()
        self._reloading = threading.Lock()
        self._prefilter: Prefilter | None = None
        self._capturing: Capturing | None = None

    def run(self) -> None:
        """Capture until SIGTERM or SIGINT, then write everything and put everything back.

        Raises
        ------
        ConfigError, CaptureError, StoreError
            It could not begin, or what it captured could not be kept.
        """
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)
        signal.signal(signal.SIGHUP, self._ask_to_reload)
        with ExitStack() as stack:
            links = self._open_kernel(stack)
            mover, store_log = self._open_capture(stack)
            self._serve(stack, links, mover, store_log)

    def _open_kernel(self, stack: ExitStack) -> Links:
        """Do what needs rights, and give these up."""
        config, capture = self._config, self._config.capture
        identity = privileges.identity_of(config.process.user) if config.process.user else None
        self._socket_path = config.process.control_socket or default_path()
        for folder in (_disk(config), self._socket_path.parent):
            privileges.prepare_folder(folder, identity)
            privileges.check_folder(folder, identity)
        if capture.prefilter != "none":
            self._prefilter = Prefilter.load(
                self._rulebook.rules.plan, kind=capture.prefilter, tunnels=config.decode.tunnels
            )
            stack.callback(self._prefilter.close)
        links = Links(capture, self._prefilter)
        links.open()
        stack.callback(links.close)
        if identity is not None or os.geteuid() != 0:
            keep = privileges.needed(interface_setup=wishes_of(capture).any, prefilter=capture.prefilter)
            privileges.drop(keep, config.process.user)
        else:
            logger().warning("runs as root: set process.user, and it gives up what it does not need")
        return links

    def _open_capture(self, stack: ExitStack) -> tuple[Mover, StoreLog]:
        """Open the store, then the capture, so that no row has nowhere to go."""
        config = self._config
        path = _store_path(config)
        shares = live_shares(config.memory_max, config.capture.memory_bytes, self._workers)
        store_log = StoreLog()
        kept = config.store
        spool = SpoolOptions(kept.spool, kept.spool_max_bytes, events=store_log) if is_remote(path) else None
        options = WriterOptions(
            buffered_rows=kept.flush_rows,
            buffered_bytes=shares.buffered,
            compact_on_close=False,
            spool=spool,
        )
        writer = StoreWriter(path, kept.sensor, options=options)
        stack.callback(writer.abort)
        budget = Budget(config.store.keep_days, config.store.max_bytes, config.store.min_free_bytes)
        limits = KeeperLimits(config.store.flush_interval_s, budget)
        keeper = Keeper(writer, path, limits, store_log)
        rules = self._rulebook.rules
        capturing = Capturing(
            self._rings(), rules.plan, config, self._workers, rules.names, queue_rows=config.store.queue_rows
        )
        self._capturing = capturing
        exporting = exporting_of(config.export)
        if exporting is not None:
            # Closed after the mover, whose last rows it gets.
            stack.callback(exporting.close)
            exporting.start()
        mover = Mover(capturing, keeper, exporting)
        stack.callback(self._stop, mover)
        mover.start()
        return mover, store_log

    def _rings(self) -> RingSettings:
        capture = self._config.capture
        socket_filter = self._prefilter if capture.prefilter == "socket" else None
        return RingSettings(
            capture.interfaces,
            rings_per_interface=self._workers,
            memory_bytes=capture.memory_bytes,
            fanout=capture.fanout,
            promiscuous=capture.promiscuous,
            ignore_outgoing=not capture.outgoing,
            snap_bytes=capture.snap_bytes or RingSettings.snap_bytes,
            retire_ms=capture.block_timeout_ms,
            filter_descriptor=socket_filter.descriptor if socket_filter else None,
            timestamps=capture.timestamps,
        )

    def _serve(self, stack: ExitStack, links: Links, mover: Mover, store_log: StoreLog) -> None:
        config, capturing = self._config, self._captured()
        losses = Losses(capturing, config.capture.interfaces, self._prefilter)
        stack.callback(losses.close)
        telling = Telling(capturing, self._rulebook, mover, store_log, links)
        if config.metrics.enabled:
            registry = build_registry(telling, config.metrics.top_flows)
            server = MetricsServer(config.metrics, registry, telling.not_ready)
            server.start()
            stack.callback(server.stop)
        handlers = {
            "reload": self._answer_reload,
            "status": lambda _request: telling.status(),
            "stop": self._answer_stop,
        }
        stack.enter_context(ControlServer(self._socket_path, handlers))
        clock = clock_state()
        if clock.warning:
            logger().warning("the clock is not to be trusted", reason=clock.warning)
        logger().info(
            "captures",
            interfaces=list(config.capture.interfaces), workers=self._workers, store=config.store.path,
            prefilter=config.capture.prefilter, **self._rulebook.rules.counts(),
        )  # fmt: skip
        telling.begun = True
        self._notifier.ready("captures")
        self._loop(links, losses, mover)
        self._notifier.stopping("writes what was captured")
        logger().info("stops: writes what was captured")
        losses.look(last=True)

    def _loop(self, links: Links, losses: Losses, mover: Mover) -> None:
        look_at_losses = 0.0
        while not self._asked.stop and mover.alive:
            links.follow(self._captured())
            now = time.monotonic()
            if now >= look_at_losses:
                look_at_losses = now + LOSSES_S
                losses.look()
            if self._asked.reload:
                self._asked.reload = False
                self._reload_and_go_on()
            self._notifier.alive()
            time.sleep(LOOK_S)

    def _stop(self, mover: Mover) -> None:
        """End the capture and wait until every row is written."""
        self._captured().stop()
        if not mover.join(STOP_S):
            raise StoreError(f"the store took longer than {STOP_S:g} s: rows not written by now are lost")
        if mover.failure is not None:
            raise StoreError(mover.failure)
        result = self._captured().result()
        logger().info("done", packets=result["packets"], matched=result["matched"], flows=result["flows"])

    def _reload(self) -> Rules:
        """Put new rules into force: while both are, the prefilter lets through what either watches."""
        with self._reloading:
            self._notifier.reloading("reads the rules")
            try:
                return self._rulebook.reload(self._put_into_force)
            finally:
                self._notifier.ready("captures")

    def _put_into_force(self, rules: Rules) -> None:
        old = self._rulebook.rules.plan
        if self._prefilter is not None:
            self._prefilter.update(old, rules.plan)
        self._captured().swap(rules.plan, rules.names)
        if self._prefilter is not None:
            self._prefilter.update(rules.plan)

    def _reload_and_go_on(self) -> None:
        # The log has why it failed, and the metrics that it did.
        with suppress(*RELOAD_ERRORS, CaptureError):
            self._reload()

    def _answer_reload(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"rules": dict(self._reload().counts())}

    def _answer_stop(self, _request: dict[str, Any]) -> dict[str, Any]:
        self._asked.stop = True
        return {}

    def _captured(self) -> Capturing:
        if self._capturing is None:
            message = "the capture has not begun"
            raise RuntimeError(message)
        return self._capturing

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.stop = True

    def _ask_to_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.reload = True


def _disk(config: Config) -> Path:
    """The folder of this machine that segments are written to."""
    path = _store_path(config)
    return (config.store.spool or default_folder()) if is_remote(path) else Path(path)


def _store_path(config: Config) -> str:
    if config.store.path is None:
        raise ConfigError("say where rows go: --store DIR, or store.path in the settings")
    return config.store.path
