"""What is answered on which path."""

import asyncio
import gzip
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from sensor.metrics.http import Answer, Request
from sensor.metrics.password import Gatekeeper

_log = logging.getLogger(__name__)

FRESH_S: Final = 1.0
"""Who asks again within so long gets the same answer: asking often costs nothing."""
MOST_CHECKS: Final = 4
"""Passwords that may wait to be checked; further ones are turned away."""
FASTEST: Final = 1
"""Level of compression."""

Ready = Callable[[], str | None]
"""Says why the sensor is not ready, or None."""


class Answers:
    """Answers requests.

    Parameters
    ----------
    registry
        The metrics.
    ready
        Says why the sensor is not ready, or None.
    gatekeeper
        Who may ask for metrics; everybody where there is none.
    """

    def __init__(self, registry: CollectorRegistry, ready: Ready, gatekeeper: Gatekeeper | None) -> None:
        self._registry = registry
        self._ready = ready
        self._gatekeeper = gatekeeper
        self._checks = 0
        self._rendered: dict[tuple[str, bool], tuple[float, Answer]] = {}
        # One thread each: neither many scrapes nor many wrong passwords take more than one core.
        self._renderer = ThreadPoolExecutor(1, "metrics-render")
        self._checker = ThreadPoolExecutor(1, "metrics-password")
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the threads back."""
        self._renderer.shutdown(wait=False, cancel_futures=True)
        self._checker.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if request.method not in {"GET", "HEAD"}:
            return Answer(405, b"only GET and HEAD\n", {"Allow": "GET, HEAD"})
        match request.path:
            case "/-/healthy":
                return Answer(200, b"healthy\n")
            case "/-/ready":
                return self._readiness()
            case "/metrics":
                return await self._refusal(request) or await self._metrics(request)
            case _:
                return Answer(404, b"no such page; there is /metrics, /-/healthy and /-/ready\n")

    def _readiness(self) -> Answer:
        reason = self._ready()
        return Answer(200, b"ready\n") if reason is None else Answer(503, f"not ready: {reason}\n".encode())

    async def _metrics(self, request: Request) -> Answer:
        loop = asyncio.get_running_loop()
        accept = request.headers.get("accept", "")
        try:
            return await loop.run_in_executor(self._renderer, self.render, accept, request.accepts_gzip())
        except Exception:  # noqa: BLE001 - whatever it was, the scraper is told, and may come again
            _log.exception("metrics cannot be told")
            return Answer(500, b"the metrics cannot be told; the log says why\n")

    async def _refusal(self, request: Request) -> Answer | None:
        keeper = self._gatekeeper
        if keeper is None:
            return None
        header = request.headers.get("authorization", "")
        if keeper.is_known(header):
            return None
        if self._checks >= MOST_CHECKS:
            return Answer(503, b"too many passwords to check\n", {"Retry-After": "1"})
        self._checks += 1
        try:
            is_right = await asyncio.get_running_loop().run_in_executor(self._checker, keeper.check, header)
        finally:
            self._checks -= 1
        if is_right:
            return None
        return Answer(401, b"user and password, please\n", {"WWW-Authenticate": 'Basic realm="blocktap"'})

    def render(self, accept: str, compressed: bool) -> Answer:
        """The metrics in the format that the scraper likes best."""
        encoder, content_type = choose_encoder(accept)
        key = (content_type, compressed)
        now = time.monotonic()
        with self._lock:
            made, answer = self._rendered.get(key, (0.0, None))
            if answer is not None and now - made < FRESH_S:
                return answer
            body = encoder(self._registry)
            headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
            if compressed:
                body = gzip.compress(body, FASTEST)
                headers["Content-Encoding"] = "gzip"
            answer = Answer(200, body, headers)
            self._rendered = {key: (now, answer)}
            return answer
