"""A lock between machines."""

import threading
import time

import pytest

from sensor.errors import StoreError
from sensor.store.place import lease as module
from sensor.store.place.objects import object_place
from sensor.store.place.state import State


@pytest.fixture
def machines(url, tmp_path):
    """The same store as several machines see it."""
    return [object_place(url, State(tmp_path / str(number))) for number in range(3)]


def test_one_holds_it(machines):
    first, second, _ = (place.maintenance_lock() for place in machines)
    assert first.acquire()
    assert not second.acquire()
    assert "process" in second.read()
    first.release()
    assert second.acquire()
    second.release()


def test_another_process_of_the_same_machine_is_kept_out(url, tmp_path):
    first, second = (object_place(url, State(tmp_path)).writer_lock("tap") for _ in range(2))
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_after_a_crash_a_machine_has_its_own_back_at_once(url, tmp_path):
    dead = object_place(url, State(tmp_path)).writer_lock("tap")
    assert dead.acquire()
    dead._stop.set()  # nothing renews it
    dead._local.release()  # as the kernel does
    again = object_place(url, State(tmp_path)).writer_lock("tap")
    assert again.acquire()
    again.release()


def test_a_claim_that_nobody_renews_ends(machines, monkeypatch):
    first, second, _ = (place.writer_lock("tap") for place in machines)
    assert first.acquire()
    first._stop.set()
    assert not second.acquire()
    monkeypatch.setattr(module, "LEASE_S", 0.5)
    time.sleep(2)  # the storage's times are whole seconds
    assert second.acquire()
    first._renewed = float("-inf")
    assert not first.confirm(), "who comes back asks, and learns it"
    assert second.confirm()
    first.release()
    assert second.confirm()
    second.release()


def test_renewed_it_does_not_end(machines, monkeypatch):
    monkeypatch.setattr(module, "LEASE_S", 2.5)
    monkeypatch.setattr(module, "RENEW_S", 0.3)
    first, second, _ = (place.writer_lock("tap") for place in machines)
    with first:
        time.sleep(4)
        assert not second.acquire()
        assert first.confirm()


def test_many_at_once(machines):
    inside, most, done = 0, 0, []

    def work(place):
        nonlocal inside, most
        for _ in range(3):
            with place.maintenance_lock():
                inside += 1
                most = max(most, inside)
                time.sleep(0.02)
                inside -= 1
            done.append(place)

    threads = [threading.Thread(target=work, args=(place,)) for place in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert len(done) == 9


def test_whoever_waits_in_vain_says_for_whom(machines, monkeypatch):
    monkeypatch.setattr(module, "LEASE_S", 30.0)
    held, other = machines[0].maintenance_lock(), machines[1].maintenance_lock()
    with held:
        monkeypatch.setattr(module.Lease, "acquire", lambda *_, **__: False)
        with pytest.raises(StoreError, match="maintenance is held by"), other:
            pass
