"""Each day's own lists: what was used most on it, in the study's time zone."""

from collections.abc import Callable
from typing import Any

from sensor.study import StudyOptions
from tests.study.rows import flow

Report = Callable[..., dict[str, Any]]
ZONE = StudyOptions(timezone="Asia/Pyongyang", resamples=200)


def test_lists_of_a_day(report: Report) -> None:
    flows = [
        flow(0, name="www.iitb.ac.in", service="University (India)", category="education", country="IN"),
        flow(0, name="m.facebook.com", service="Facebook", category="social", country="IE"),
        flow(0, name="www.facebook.com", service="Facebook", category="social", country="IE"),
        # 20:00 UTC is the next morning in Pyongyang.
        flow(0, 20, name="news.xinhuanet.com", service="Xinhua", category="news", country="CN"),
    ]
    first, second = report(ZONE, flows=flows)["timeline"]["daily"]
    assert first["sites"] == [{"site": "facebook.com", "flows": 2}, {"site": "iitb.ac.in", "flows": 1}]
    assert first["top"][0] == {"service": "Facebook", "flows": 2}
    assert first["countries"] == [{"country": "IE", "flows": 2}, {"country": "IN", "flows": 1}]
    assert first["categories"][1] == {"category": "education", "flows": 1}
    assert second["sites"] == [{"site": "xinhuanet.com", "flows": 1}]


def test_a_day_without_names_has_empty_lists(report: Report) -> None:
    days = report(ZONE, flows=[flow(0), flow(2)])["timeline"]["daily"]
    assert [day["sites"] for day in days] == [[], [], []]
    assert days[1]["top"] == days[1]["countries"] == days[1]["categories"] == []
