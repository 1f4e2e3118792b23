"""Real interfaces are changed as asked, and are afterwards what they were."""

import pytest

from sensor.errors import CaptureError
from sensor.interface import Amount, Setup, Wishes, describe, ethtool
from sensor.interface.model import Feature
from tests.interface.conftest import ip


def state(name: str) -> tuple[object, ...]:
    return ethtool.features(name), describe(name).admin_up


def test_nothing_asked_changes_nothing(tap: str) -> None:
    before = state(tap)
    assert not Wishes().any
    with Setup(tap, Wishes()) as setup:
        assert state(tap) == before
        assert setup.restore() == []


def test_set_and_restored(tap: str) -> None:
    ethtool.set_features(tap, {"rx-gro": True, "rx-gro-list": True})
    before = state(tap)
    assert describe(tap).offloads.gro
    setup = Setup(tap, Wishes(gro="off", lro="off", ring_size="max", up=True))
    assert [str(change) for change in setup.apply()] == [
        "tap: rx-gro: on -> off", "tap: rx-gro-list: on -> off", "tap: link: down -> up",
    ]  # fmt: skip
    assert (describe(tap).offloads.gro, describe(tap).admin_up) == (False, True)
    assert setup.apply() == []
    assert [str(change) for change in setup.restore()] == [
        "tap: link: up -> down", "tap: rx-gro-list: off -> on", "tap: rx-gro: off -> on",
    ]  # fmt: skip
    assert state(tap) == before
    assert setup.restore() == []


def test_what_was_so_before_stays(tap: str) -> None:
    ip("link", "set", "tap", "up")
    ethtool.set_features(tap, {"rx-gro": False})
    with Setup(tap, Wishes(gro="off", up=True)):
        pass
    assert describe(tap).admin_up
    assert not describe(tap).offloads.gro


def test_restored_after_an_exception(tap: str) -> None:
    ethtool.set_features(tap, {"rx-gro": True})
    before = state(tap)
    with pytest.raises(ZeroDivisionError), Setup(tap, Wishes(gro="off", up=True)):
        assert state(tap) != before
        raise ZeroDivisionError
    assert state(tap) == before


def test_refused_change_undoes_the_others(tap: str) -> None:
    ethtool.set_features(tap, {"rx-gro": True})
    before = state(tap)
    with pytest.raises(CaptureError, match="tap: ring_size"):
        Setup(tap, Wishes(gro="off", ring_size=64, up=True)).apply()
    assert state(tap) == before


def test_switch_that_nobody_can_change(monkeypatch: pytest.MonkeyPatch) -> None:
    features = {
        "rx-gro": Feature(False, True),
        "rx-gro-hw": Feature(True, False),
        "rx-lro": Feature(True, False),
    }
    monkeypatch.setattr(ethtool, "features", lambda _: features)
    setup = Setup("lo", Wishes(gro="off"))
    assert setup.apply() == []
    assert setup.left == ["rx-gro-hw"]
    with pytest.raises(CaptureError, match="rx-lro is on and the driver does not let it be changed"):
        Setup("lo", Wishes(lro="off")).apply()


def test_restored_under_a_new_name(tap: str) -> None:
    ethtool.set_features(tap, {"rx-gro": True})
    setup = Setup(tap, Wishes(gro="off"))
    setup.apply()
    ip("link", "set", "tap", "name", "other")
    assert [str(change) for change in setup.restore()] == ["other: rx-gro: off -> on"]
    assert describe("other").offloads.gro


def test_another_interface_is_set_up_anew_and_a_gone_one_left_alone(tap: str) -> None:
    ethtool.set_features(tap, {"rx-gro": True})
    setup = Setup(tap, Wishes(gro="off"))
    assert len(setup.apply()) == 1
    ip("link", "delete", "tap")
    ip("link", "add", "tap", "type", "veth", "peer", "name", "far")
    ethtool.set_features(tap, {"rx-gro": True})
    assert len(setup.apply()) == 1
    ip("link", "delete", "tap")
    assert setup.restore() == []


def test_ring_is_set_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = {"now": 512}
    monkeypatch.setattr(ethtool, "rx_ring", lambda _: Amount(frames["now"], 4096))
    monkeypatch.setattr(ethtool, "set_rx_ring", lambda _, asked: frames.update(now=asked))
    for asked, expected in ("max", 4096), (1024, 1024), ("keep", 512):
        setup = Setup("lo", Wishes(ring_size=asked))  # type: ignore[arg-type]
        setup.apply()
        assert frames["now"] == expected
        setup.restore()
        assert frames["now"] == 512
    with pytest.raises(CaptureError, match="more than the card's 4096"):
        Setup("lo", Wishes(ring_size=8192)).apply()


@pytest.mark.usefixtures("tap")
def test_no_such_interface_names_the_nearest() -> None:
    with pytest.raises(CaptureError, match=r"no interface tpa; did you mean tap\?"):
        Setup("tpa", Wishes(up=True)).apply()
