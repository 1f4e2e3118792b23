"""A lock between machines that have nothing in common but object storage.

Object storage has no locks, but it answers truly: who has written an object and then lists a folder sees that
object and every other written before. That is enough. Whoever wants a lock writes a claim into its folder, under
a name of its own, and then lists the folder. With no other claim there, it holds the lock. With another there it
takes its own claim away and tries again, or gives up. Two that come at once see each other and both withdraw;
never do both go on, since one of the two lists was asked for after both claims were written.

A holder renews its claim. A claim that was not renewed for a while belongs to somebody who died, and is removed
by whoever comes next. How old a claim is tells the storage's clock alone: one's own claim has just been written,
and both times come from the same list. A holder that could not renew its claim asks in the same way before it goes
on: it writes, and lists.

What this cannot exclude: a holder that freezes for longer than a claim lives, between asking and writing.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sensor.errors import StoreError
from sensor.store.place.state import State

if TYPE_CHECKING:
    from sensor.store.lock import FileLock
    from sensor.store.place.objects import ObjectPlace

LEASE_S = 60.0
"""So long a claim lives that nobody renews."""
RENEW_S = 15.0
_RETRY_S = 0.5


class Lease:
    """A lock on one name of a store; see `sensor.store.place.model.Lock`.

    Parameters
    ----------
    place
        The store.
    name
        What is locked.
    state
        This machine's folder, which says who we are. A second process with the same folder is kept out by a lock in
        it, and one that comes after a crash finds the claim to be its own.
    """

    def __init__(self, place: ObjectPlace, name: str, state: State) -> None:
        self._place = place
        self._folder = f".locks/{name}"
        self._name = name
        self._state = state
        self._claim = f"{self._folder}/{state.owner}.json"
        self._note = f"process {os.getpid()} on {socket.gethostname()}"
        self._local: FileLock | None = None
        self._renewed = float("-inf")
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._other = ""

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock within so many seconds; False where others hold it longer."""
        deadline = time.monotonic() + timeout_s
        local = self._state.lock(self._place, self._name)
        if not local.acquire(timeout_s):
            self._other = local.read() or "another process of this machine"
            return False
        try:
            local.write(self._note)
            while not self._ask():
                if time.monotonic() >= deadline:
                    local.release()
                    return False
                # Two that came at once do not come back at once.
                time.sleep(_RETRY_S * (1 + os.urandom(1)[0] / 255))
        except BaseException:
            local.release()
            raise
        self._local = local
        self._stop = threading.Event()
        threading.Thread(target=self._renew, args=(self._stop,), name="lease", daemon=True).start()
        return True

    def confirm(self) -> bool:
        """Whether the lock is still held; asks the storage where the claim was not renewed in time."""
        if self._local is None:
            return False
        if time.monotonic() - self._renewed < LEASE_S / 2 or self._ask():
            return True
        self.abandon()
        return False

    def release(self) -> None:
        """Give the lock back. Where the storage cannot be reached, the claim ends by itself."""
        if self._local is None:
            return
        try:
            self._withdraw()
        except OSError:
            pass
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go without a word to the storage; the claim ends by itself."""
        self._stop.set()
        local, self._local = self._local, None
        if local is not None:
            local.release()

    def write(self, text: str) -> None:
        """Say who holds it; seen with the next renewal."""
        self._note = text

    def read(self) -> str:
        """Who holds it, as of the last try."""
        return self._other

    def now(self) -> float:
        """The storage's time, in seconds since 1970, as of just now."""
        self._put()
        return self._place.modified(self._claim)

    def _ask(self) -> bool:
        """Write a claim and look whether it is the only one."""
        self._put()
        times = self._place.times(self._folder)
        mine = times.pop(self._claim, None)
        dead = [path for path, at in times.items() if mine is not None and at < mine - LEASE_S]
        if len(dead) == len(times) and mine is not None:
            self._place.remove(dead)
            self._renewed = time.monotonic()
            return True
        living = next((path for path in times if path not in dead), None)
        self._other = self._note_of(living) if living else ""
        self._withdraw()
        return False

    def _withdraw(self) -> None:
        """Take the claim away; none is written by a renewal after that."""
        with self._guard:
            self._stop.set()
            self._place.remove([self._claim])

    def _put(self) -> None:
        self._place.write_text(self._claim, json.dumps({"holder": self._note}) + "\n")

    def _renew(self, stop: threading.Event) -> None:
        while not stop.wait(RENEW_S):
            try:
                with self._guard:
                    if stop.is_set():
                        return
                    self._put()
                    self._renewed = time.monotonic()
            except OSError:
                pass  # `confirm` asks

    def _note_of(self, claim: str) -> str:
        try:
            return str(json.loads(self._place.read_text(claim))["holder"])
        except (OSError, ValueError, KeyError, TypeError):
            return "another machine"

    def __enter__(self) -> Self:
        if self._local is None and not self.acquire(timeout_s=2 * LEASE_S):
            raise StoreError(f"{self._place.name}: {self._name} is held by {self.read()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
