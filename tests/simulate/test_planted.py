"""The planted numbers are what the generator is made of: chance goes around them, not beside them."""

import json
import math
from datetime import date
from typing import Any

import numpy as np
import pytest

from sensor.errors import RuleError
from sensor.simulate import load_scenario, planted
from sensor.simulate.draw import draw_day
from sensor.simulate.endpoints import Kind
from sensor.simulate.expectation import expect
from sensor.simulate.realised import Realised
from sensor.simulate.scenario import Scenario
from sensor.simulate.world import make_world
from tests.simulate.scenes import scenario

EIGHT = ["Facebook", "Google", "Baidu", "Instagram", "Alibaba", "Amazon", "Tencent", "Apple"]
MOST_DEVIATIONS = 4.5


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return planted(load_scenario("model-2017"))


def drawn(chosen: Scenario) -> dict[str, Any]:
    world = make_world(chosen)
    expected, realised = expect(world), Realised(world)
    for day in range(chosen.days):
        realised.add_flows(draw_day(world, expected, day))
    return realised.as_dict()


def calm(chosen: Scenario) -> Scenario:
    """Without noise of days and kinds: then flows are independent and errors of shares are known."""
    rhythm = chosen.rhythm.model_dump() | {"spread": 0.0, "overdispersion": 0.0}
    return Scenario.model_validate(chosen.model_dump() | {"rhythm": rhythm})


def test_the_model_has_what_the_study_found(model: dict[str, Any]) -> None:
    assert [one["service"] for one in model["services"][:8]] == EIGHT
    shares = {name: block["share_flows"] for name, block in model["blocks"].items()}
    assert shares == pytest.approx({"star-jv": 0.59, "china-netcom-kptc": 0.01, "satnet": 0.40})
    assert model["countries"]["IN"] == pytest.approx(0.2, abs=0.001)
    assert {"MY", "NZ", "NP", "KE", "MZ", "ID"} <= set(model["countries"])
    assert "LB" not in model["countries"]
    assert sum(one["category"] == "vpn" for one in model["services"]) == 7
    assert model["categories"]["vpn"] < 0.01
    assert [(one["application"], one["onset_day"]) for one in model["onsets"]] == [("bitcoin", "2017-05-17")]
    assert 100 < model["onsets"][0]["after_per_day"] < 1_000
    sizes = {one["name"]: one["addresses"] for one in model["population"]["populations"]}
    assert sizes == {"locals": 120, "foreigners": 15}
    assert model["period"] == {"start": "2017-04-01", "days": 97, "timezone": "Asia/Pyongyang"}


def test_nothing_begins_in_the_null_scenario() -> None:
    assert planted(load_scenario("null"))["onsets"] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shares_are_drawn_around_the_planted_ones(seed: int) -> None:
    chosen = calm(load_scenario("model-2017").model_copy(update={"flows": 200_000, "seed": seed}))
    numbers, found = planted(chosen), drawn(chosen)
    total = sum(found["blocks"].values())
    assert abs(total - numbers["flows"]) < MOST_DEVIATIONS * math.sqrt(numbers["flows"])
    wanted = {"blocks": {name: block["share_flows"] for name, block in numbers["blocks"].items()}}
    wanted["services"] = {one["service"]: one["share_flows"] for one in numbers["services"]}
    wanted |= {key: numbers[key] for key in ("categories", "applications", "countries")}
    for key, shares in wanted.items():
        for name, share in shares.items():
            deviation = math.sqrt(share * (1 - share) / total)
            assert abs(found[key].get(name, 0) / total - share) < MOST_DEVIATIONS * deviation, (key, name)
    named = numbers["coverage"]["named_share"]
    assert abs(found["named"] / total - named) < MOST_DEVIATIONS * math.sqrt(named * (1 - named) / total)


def test_days_are_noisy_around_one_and_take_after_each_other() -> None:
    chosen = load_scenario("null").model_copy(update={"days": 3_000})
    level = np.log(expect(make_world(chosen)).noise)
    assert np.exp(level).mean() == pytest.approx(1.0, abs=0.05)
    assert level.std() == pytest.approx(0.2, rel=0.1)
    assert np.corrcoef(level[1:], level[:-1])[0, 1] == pytest.approx(0.6, abs=0.06)


def test_weekdays_and_hours_are_those_of_the_time_zone() -> None:
    expected = expect(make_world(scenario()))
    per_day = expected.use.sum(axis=(1, 2))
    # A Sunday first, then five working days, on one of which Bitcoin begins.
    assert per_day[0] / per_day[1] == pytest.approx(2.0)
    night = expected.clock.rate[expected.clock.slots_of(1)][: 6 * 12]
    assert night.sum() == 0


def test_a_gap_takes_flows_away_and_leaves_shares() -> None:
    gap = [{"start": date(2017, 5, 16), "end": date(2017, 5, 17)}]
    whole, holed = planted(scenario()), planted(scenario(gap=gap))
    # The gap lies before Bitcoin begins, so that has more of what is left.
    assert holed["applications"]["bitcoin"] > whole["applications"]["bitcoin"]
    assert holed["blocks"]["satnet"]["share_flows"] == pytest.approx(0.3, abs=0.01)


def test_the_number_of_rows_is_what_was_asked_for() -> None:
    found = drawn(calm(scenario(flows=50_000)))
    assert found["rows"] == pytest.approx(50_000, rel=0.02)


def test_populations_have_devices_and_active_addresses() -> None:
    found = planted(scenario())["population"]
    assert [one["addresses"] for one in found["populations"]] == [12, 3]
    assert found["populations"][0]["devices"] == 24
    assert 10 < found["addresses_per_day"] < 15


def test_who_is_not_active_begins_nothing() -> None:
    chosen = scenario(flows=20_000)
    world = make_world(chosen)
    expected = expect(world)
    seen, begun = [], []
    for day in range(chosen.days):
        flows = draw_day(world, expected, day)
        kind = world.endpoints.kind[flows.endpoint]
        seen.append(set(flows.inside[kind == Kind.USE].tolist()))
        begun.append(set(flows.inside[(kind != Kind.SCAN) & (kind != Kind.VISIT)].tolist()))
    assert begun == seen
    wanted = planted(chosen)["population"]["addresses_per_day"]
    assert np.median([len(day) for day in seen]) == pytest.approx(wanted, abs=2)


def test_bound_traffic_stays_with_its_population() -> None:
    world = make_world(scenario(flows=40_000))
    expected = expect(world)
    foreigners = next(
        group for group in world.groups if world.scenario.population[group.population].name == "foreigners"
    )
    theirs = set(world.hosts.inside[foreigners.first : foreigners.stop].tolist())
    flows = draw_day(world, expected, 0)
    places = world.endpoints.columns["application"][flows.endpoint]
    openvpn = places == world.endpoints.words["application"].place("openvpn")
    assert openvpn.any()
    assert set(flows.inside[openvpn].tolist()) <= theirs


def test_relays_stand_apart() -> None:
    numbers = planted(load_scenario("relay-2017"))
    assert list(numbers["blocks"]) == ["office"]
    relay = numbers["relays"][0]
    assert relay["block"] == "vpn-exit"
    assert {"Gmail", "Google Cloud", "Facebook", "Microsoft", "Pornhub"} == set(relay["services"])
    assert "Pornhub" not in [one["service"] for one in numbers["services"]]


def test_a_scenario_in_which_nothing_can_flow_is_refused() -> None:
    with pytest.raises(RuleError, match="nothing flows"):
        planted(scenario(gap=[{"start": date(2017, 5, 1), "end": date(2017, 6, 1)}]))


def test_more_addresses_than_a_country_has_are_refused() -> None:
    traffic = scenario().traffic[0].model_dump() | {"countries": {"NL": 1}, "addresses": 1_000, "many": 9}
    traffic["names"] = ("www.site-{n}.example",)
    with pytest.raises(RuleError, match="more addresses of NL than there are"):
        planted(scenario(traffic=[traffic]))


def test_planted_numbers_are_json() -> None:
    assert json.loads(json.dumps(planted(scenario()))) == planted(scenario())
