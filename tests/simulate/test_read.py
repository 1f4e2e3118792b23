"""Scenario files: the shipped ones load, and each mistake is told with its line and mend."""

from pathlib import Path

import pytest

from sensor.errors import RuleError
from sensor.simulate import load_scenario, planted, shipped_scenarios
from sensor.simulate.protocols import PROTOCOLS
from sensor.simulate.scenario import (
    Besides,
    Block,
    Gap,
    Loss,
    Population,
    Rhythm,
    Scenario,
    Traffic,
)  # fmt: skip
from sensor.simulate.stacks import STACKS
from tests.simulate.scenes import SMALL, scenario


@pytest.mark.parametrize("name", shipped_scenarios())
def test_shipped_scenarios_are_right(name: str) -> None:
    found = load_scenario(name)
    assert found.name == name
    assert planted(found)["flows"] > 0


def test_the_scenarios_that_are_promised_are_shipped() -> None:
    assert {"model-2017", "null", "relay-2017"} <= set(shipped_scenarios())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 3", "sead = 3", "small.toml:2: an unknown key: 'sead'; did you mean seed?"),
        ("dns = 0.4", "dsn = 0.4", "small.toml:13: an unknown key: 'besides.dsn'; did you mean dns?"),
        ("share = 0.7", "sher = 0.7", "small.toml:23: an unknown key: 'block.0.sher'; did you mean share?"),
        ("days = 6", "", "small.toml:1: a key is missing: 'days'; add days = ..."),
        ("days = 6", "days = 0", "small.toml:4: days: Input should be greater than or equal to 1: '0'"),
        ("days = 6", 'days = "6"', "small.toml:4: days: Input should be a valid integer: '6'"),
        ("seed = 3", "seed = 3 3", "small.toml:2: not TOML"),
        ("Asia/Pyongyang", "Asia/Nowhere", "small.toml:5: timezone: no such time zone: 'Asia/Nowhere'; write one"),
        ("hours = [0, ", "hours = [", "small.toml:10: rhythm.hours: Value should have at least 24 items"),
        ('name = "satnet"', 'name = "star-jv"', "small.toml:26: a name that stands twice: 'star-jv'"),
        ('name = "satnet"', 'name = "moon"', "small.toml:26: a block without prefixes: 'moon'; add prefixes"),
        ("share = 0.7", 'share = 0.7\nprefixes = ["10.0.0.0/33"]', "small.toml:24:"),
        ("share = 0.7", 'share = 0.7\nprefixes = ["2001:db8::/64"]', "small.toml:24: an IPv6 prefix"),
        ("share = 0.7", 'share = 0.7\nprefixes = ["10.0.0.0/29"]', "small.toml:22: a block with too few addresses"),
        ("satnet = 4 }", "satnett = 4 }", "small.toml:31: no such block: 'satnett'; did you mean satnet?"),
        (", satnet = 4", "", "small.toml:26: nobody lives in this block: 'satnet'"),
        ("linux-curl = 1", "linux-kurl = 1", "no such kind of device: 'linux-kurl'; known are android-chrome"),
        ("IE = 1, US = 1", "XQ = 1", "small.toml:46: traffic.0.countries.XQ: no such country: 'XQ'; known are AU"),
        ("IE = 1, US = 1", "IE = 0", "traffic.0.countries: at least one has to be above 0"),
        ('"bitcoin"', '"bitkoin"', "no such application: 'bitkoin'; known are bitcoin"),
        ('"bitcoin"', '"http"', "HTTP without a host"),
        ('"http"', '"openvpn"', "small.toml:50: an application without names: 'openvpn'; leave names out"),
        ("www.xinhuanet.com", "WWW.xinhuanet.com", "small.toml:50: no host name: 'WWW.xinhuanet.com'"),
        ("place-{n}", "place", "small.toml:57: many without a number in a name: '5'; write {n} in a name"),
        ('population = "foreigners"', 'population = "foreigner"', "no such population: 'foreigner'; did you mean"),
        ("[besides]", "[[gap]]\nstart = 2017-05-16\nend = 2017-05-16\n[besides]", "small.toml:14: the end is not"),
    ],
)  # fmt: skip
def test_mistakes_are_told(old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(RuleError) as refused:
        scenario(SMALL.replace(old, new, 1))
    assert message in str(refused.value)


def test_more_flows_than_fit_into_a_day_are_refused() -> None:
    with pytest.raises(RuleError, match="flows: more than 10,000,000 a day"):
        scenario(SMALL.replace("flows = 4000", "flows = 100_000_000", 1))


def test_the_documented_scenario_is_one(root: Path) -> None:
    text = (root / "docs" / "simulate.md").read_text()
    example = text.partition("```toml\n")[2].partition("```")[0]
    assert scenario(example).name == "example"
    for model in (Scenario, Rhythm, Besides, Block, Population, Traffic, Gap, Loss):
        undocumented = [
            key for key in model.model_fields if f"{key} = " not in text and f"[{key}]" not in text
        ]
        assert set(undocumented) <= {"role", "holder", "claimed_country", "confidence", "prefixes"}, model
    words = {f"`{word}`" for word in (*STACKS, *PROTOCOLS, *shipped_scenarios())}
    assert {word for word in words if word not in text} == set()


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no such scenario; shipped are model-2017, null"):
        load_scenario("model-2018")
    with pytest.raises(RuleError, match="cannot be read"):
        load_scenario(tmp_path / "missing.toml")


def test_hostile_text_is_shown_harmlessly() -> None:
    with pytest.raises(RuleError) as refused:
        scenario(SMALL.replace("seed = 3", '"\\u001b[31m" = 3', 1))
    assert "\x1b" not in str(refused.value)
