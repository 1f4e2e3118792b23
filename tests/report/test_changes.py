"""Claims that do not hold are said in words, with the number that contradicts them."""

from typing import Any

import pytest

from sensor.report.changes import changes


def finding(text: str, everything: Any, without: dict[str, Any], by_bytes: Any = None) -> dict[str, Any]:
    return {"finding": text, "all": everything, "without": without, "by_bytes": by_bytes, "holds": False}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (finding("share of IN", 0.2, {"satnet": 0.1}, 0.19),
         "The share of India is 20.0 %, but 10.0 % without block satnet."),
        (finding("share of IN", 0.2, {"satnet": 0.19}, 0.1),
         "The share of India is 20.0 %, but 10.0 % counted in bytes instead of flows."),
        (finding("onset of bitcoin", "2017-05-17", {"satnet": None}, "2017-05-17"),
         "The onset of bitcoin is 17 May 2017, but is not found without block satnet."),
        (finding("onset of bitcoin", "2017-05-17", {"week of 2017-05-13": "2017-05-21"}, "2017-05-17"),
         "The onset of bitcoin is 17 May 2017, but 21 May 2017 without the week of 13 May 2017."),
        (finding("the 8 most used services and their order", ["a", "b"], {"satnet": ["b", "a"]}),
         "The 8 most used services and their order are not the same without block satnet."),
        (finding("inside addresses a day (median)", 94.0, {"star-jv": 34.0}),
         "The number of addresses in use on a middling day is 94, but 34 without block star-jv."),
    ],
)  # fmt: skip
def test_sentences(one: dict[str, Any], said: str) -> None:
    assert changes({"sensitivity": [one]}, lambda _: True) == (said,)


def test_many_of_bytes_become_one_sentence() -> None:
    listed = [finding(f"share of {code}", 0.2, {"satnet": 0.2}, 0.1) for code in ("IN", "CN", "MY")]
    (said,) = changes({"sensitivity": listed}, lambda _: True)
    assert said.startswith(
        "Counted in bytes instead of flows, these shares are others: India 10.0 % instead of 20.0 %"
    )


def test_a_share_that_holds_but_is_another_in_bytes_is_said() -> None:
    one = {**finding("share of IN", 0.2, {"satnet": 0.2}, 0.1), "holds": True}
    (said,) = changes({"sensitivity": [one]}, lambda _: True)
    assert said == "The share of India is 20.0 %, but 10.0 % counted in bytes instead of flows."


def test_an_onset_that_bytes_do_not_show_is_said() -> None:
    one = {**finding("onset of bitcoin", "2017-05-17", {"satnet": "2017-05-17"}), "holds": True}
    (said,) = changes({"sensitivity": [one]}, lambda _: True)
    assert said == "The onset of bitcoin is 17 May 2017, but is not found counted in bytes instead of flows."


def test_what_holds_is_not_said() -> None:
    one = {**finding("share of IN", 0.2, {"satnet": 0.2}), "holds": True}
    assert changes({"sensitivity": [one]}, lambda _: True) == ()
