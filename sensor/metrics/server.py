"""The HTTP server that Prometheus scrapes: one thread with an event loop, so that no client keeps others waiting."""

import asyncio
import contextlib
import ipaddress
import ssl
import threading
from typing import Final

from prometheus_client import CollectorRegistry

from sensor.config import MetricsSettings
from sensor.errors import ConfigError
from sensor.metrics.answers import Answers, Ready
from sensor.metrics.http import MOST_HEAD_BYTES, Answer, parse
from sensor.metrics.password import Gatekeeper

MOST_CONNECTIONS: Final = 64
"""Connections open at a time; of more, the oldest is closed."""
HEAD_TIMEOUT_S: Final = 5.0
"""A request must be whole by then."""
ANSWER_TIMEOUT_S: Final = 15.0
"""An answer must be made and taken by then."""
STOP_TIMEOUT_S: Final = 5.0


class MetricsServer:
    """Serves the metrics from a thread of its own.

    Parameters
    ----------
    settings
        Where to listen, and who may ask.
    registry
        The metrics.
    ready
        Says why the sensor is not ready, or None; called from the server's thread.
    """

    def __init__(self, settings: MetricsSettings, registry: CollectorRegistry, ready: Ready) -> None:
        self._settings = settings
        user, stored = settings.basic_auth_user, settings.basic_auth_hash
        gatekeeper = Gatekeeper(user, stored) if user is not None and stored is not None else None
        self._answers = Answers(registry, ready, gatekeeper)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="metrics", daemon=True)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], None] = {}

    def start(self) -> None:
        """Listen.

        Raises
        ------
        ConfigError
            The address cannot be listened at, or the certificate or its key cannot be read.
        """
        context = _tls(self._settings)
        host, port = split_listen(self._settings.listen)
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(
                self._serve, host, port, limit=MOST_HEAD_BYTES, ssl=context,
                ssl_handshake_timeout=HEAD_TIMEOUT_S if context else None,
            ),
            self._loop,
        )  # fmt: skip
        try:
            self._server = starting.result()
        except OSError as error:
            self.stop()
            raise ConfigError(f"metrics.listen: {self._settings.listen}: {error.strerror or error}") from None

    @property
    def port(self) -> int:
        """The port listened at, also where the settings leave it to the system."""
        if self._server is None:
            message = "the server has not been started"
            raise RuntimeError(message)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive():
            closing = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
            with contextlib.suppress(TimeoutError):
                closing.result(STOP_TIMEOUT_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_TIMEOUT_S)
        if not self._loop.is_running() and not self._loop.is_closed():
            self._loop.close()
        self._answers.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        if len(self._open) >= MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.cancel()
        self._open[task] = None
        try:
            await self._one_request(reader, writer)
        except (OSError, TimeoutError, asyncio.CancelledError, asyncio.IncompleteReadError):
            # Gone, too slow, or in the way of others: nobody is left to be told.
            pass
        finally:
            self._open.pop(task, None)
            writer.transport.abort()

    async def _one_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_body = True
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            answer = Answer(431, b"the request is too long\n")
        else:
            request = parse(head)
            if request is None:
                answer = Answer(400, b"that is no HTTP/1.1\n")
            else:
                with_body = request.method != "HEAD"
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    answer = await self._answers.answer(request)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            writer.write(answer.encode(with_body=with_body))
            await writer.drain()
            writer.close()
            await writer.wait_closed()


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of ``host:port``."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def exposure(settings: MetricsSettings) -> str | None:
    """Say what is exposed where others than this machine can reach the metrics, or None."""
    host, _ = split_listen(settings.listen)
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    missing = [
        word
        for word, given in (("TLS", settings.tls_certificate), ("a password", settings.basic_auth_user))
        if given is None
    ]
    if is_local or not missing:
        return None
    return f"metrics.listen: {settings.listen} is open to other machines without {' and '.join(missing)}"


def _tls(settings: MetricsSettings) -> ssl.SSLContext | None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty password, so that a locked key is refused and not asked for at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise ConfigError(f"metrics.tls_certificate: {certificate} with {key}: {error}") from None
    return context
