"""What an interface says it dropped, and what of it was captured all the same."""

from sensor.daemon.losses import Unsure


def looks(dropped: list[int], captured: list[int]) -> list[int]:
    """What each look tells of frames newly dropped, and of all captured by then that look like them."""
    unsure = Unsure()
    return [unsure.lost(newly, total) for newly, total in zip(dropped, captured, strict=True)]


def test_what_is_dropped_is_told_once() -> None:
    assert looks([5, 0, 2, 0], [0] * 4) == [5, 0, 2, 0]


def test_what_was_captured_is_not_lost() -> None:
    assert looks([9] * 6, [9 * number for number in range(1, 7)]) == [0] * 6


def test_both_at_once() -> None:
    assert looks([9, 12, 9, 10], [9, 18, 27, 36]) == [0, 3, 0, 1]


def test_what_is_captured_meanwhile_hides_no_loss_for_good() -> None:
    assert looks([9, 12, 9, 0], [10, 19, 28, 28]) == [0, 2, 0, 0]
    assert looks([9, 12, 8, 0], [10, 20, 27, 27]) == [0, 1, 1, 0]


def test_more_captured_than_dropped_is_nothing() -> None:
    # The kernel knew the protocol after all.
    assert looks([0, 0, 1], [50] * 3) == [0, 0, 0]
