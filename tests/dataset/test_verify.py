"""A data set that was changed anywhere, by chance or with care, does not hold, and it is said where."""

import random
from pathlib import Path

import pytest

from sensor.dataset.verify import Verdict, verify_dataset
from tests.dataset import spoiling
from tests.dataset.spoiling import Spoil
from tests.dataset.stores import PROGRAM

URL = "https://example.org/use.parquet"


def verdict_of(dataset: Path) -> Verdict:
    return verify_dataset(dataset, PROGRAM)


def test_a_data_set_holds(exported: Path) -> None:
    verdict = verdict_of(exported)
    assert verdict.faults == ()
    assert verdict.holds
    assert verdict.numbers > 500


SPOILT: list[tuple[str, Spoil]] = [
    ("data/use.parquet", spoiling.flip("data/use.parquet")),
    ("data/use.parquet", spoiling.flip("data/use.parquet")),
    ("data/hours.parquet", spoiling.flip("data/hours.parquet")),
    ("data/totals.parquet", spoiling.flip("data/totals.parquet")),
    ("report.json", spoiling.flip("report.json")),
    ("datapackage.json", spoiling.flip("datapackage.json")),
    ("not_reproducible.json", spoiling.flip("not_reproducible.json")),
    ("privacy.json", spoiling.flip("privacy.json")),
    ("report.html", spoiling.flip("report.html")),
    ("README.md", spoiling.flip("README.md")),
    ("", spoiling.flip("SHA256SUMS")),
    ("SHA256SUMS", spoiling.cut("SHA256SUMS")),
    ("data/use.parquet", spoiling.cut("data/use.parquet")),
    ("data/hosts.parquet", spoiling.remove("data/hosts.parquet")),
    ("data/hosts.parquet", spoiling.remove("data/hosts.parquet", mended=True)),
    ("privacy.json", spoiling.remove("privacy.json", mended=True)),
    ("SHA256SUMS", spoiling.remove("SHA256SUMS")),
    ("data/more.parquet", spoiling.add("data/more.parquet")),
    ("notes.txt", spoiling.add("notes.txt", mended=True)),
    (".hidden", spoiling.add(".hidden")),
    ("report.json", spoiling.change_number("volume", "flows")),
    ("report.json", spoiling.change_number("services", 0, "share_flows", "high", by=1e-9)),
    ("report.json", spoiling.change_number("timeline", "hour_of_week", 3, 7)),
    ("report.json", spoiling.change_cell("use", "flows")),
    ("report.json", spoiling.change_cell("use", "bytes")),
    ("report.json", spoiling.change_cell("hosts", "inside_addresses")),
    ("data/blocks.parquet", spoiling.change_cell("blocks", "inside_addresses")),
    ("data/use.parquet", spoiling.swap_rows("use")),
    ("data/hours.parquet", spoiling.swap_rows("hours")),
    ("report.json", spoiling.swap_numbers("use", "packets")),
    ("report.json", spoiling.swap_numbers("devices", "devices")),
    ("data/hours.parquet", spoiling.drop_row("use")),
    ("data/hours.parquet", spoiling.drop_row("hours")),
    ("report.json", spoiling.rename_word("blocks", "confidence", "low", "high")),
    ("report.json", spoiling.describe(lambda found: found["blocktap"].update(seed=1))),
    ("README.md", spoiling.describe(lambda found: found.update(title="Another title"))),
    ("datapackage.json", spoiling.describe(lambda found: found["licenses"][0].update(title="None"))),
    ("datapackage.json", spoiling.describe(lambda found: found["blocktap"].update(k=1))),
    ("datapackage.json", spoiling.describe(lambda found: found["resources"].pop())),
    ("README.md", spoiling.edit("README.md", "at least 5", "at least 9")),
    ("report.html", spoiling.edit("report.html", "Facebook", "Facetome")),
    ("not_reproducible.json", spoiling.edit("not_reproducible.json", '"dataset": ', '"dataset": 1')),
    # Out of the folder.
    ("datapackage.json", spoiling.describe(lambda found: found["resources"][0].update(path="../use.parquet"))),
    ("datapackage.json", spoiling.describe(lambda found: found["resources"][0].update(path="/data/use.parquet"))),
    ("datapackage.json", spoiling.describe(lambda found: found["resources"][0].update(path=URL))),
    ("SHA256SUMS", spoiling.listed_as("../secret")),
    ("data/use.parquet", spoiling.link("data/use.parquet")),
    ("report.json", spoiling.link("report.json")),
    ("data", spoiling.link("data")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SPOILT)))
def test_a_spoilt_data_set_does_not_hold(dataset: Path, number: int) -> None:
    file, spoil = SPOILT[number]
    spoil(dataset, random.Random(number))
    verdict = verdict_of(dataset)
    assert not verdict.holds
    assert file in {fault.file for fault in verdict.faults} or (not file and verdict.faults), verdict.faults


def test_it_is_said_which_number_no_longer_follows(dataset: Path) -> None:
    spoiling.change_number("volume", "flows")(dataset, random.Random(0))
    faults = verdict_of(dataset).faults
    assert [fault.number for fault in faults] == ["$.volume.flows"]
    assert "does not follow from the data" in str(faults[0])


def test_the_pictures_alone_may_differ(dataset: Path) -> None:
    """Another version of what draws them moves a line by a hair."""
    page = dataset / "report.html"
    text = page.read_text()
    begin = text.index("<svg")
    page.write_text(text[:begin] + text[begin:].replace("<path", "<path ", 1))
    spoiling.mend_manifest(dataset)
    assert verdict_of(dataset).holds


def test_another_program_may_write_another_page(dataset: Path) -> None:
    spoiling.edit("report.html", "Facebook", "Facetome")(dataset, random.Random(0))
    assert verify_dataset(dataset, "0.0.1").holds


def test_another_method_is_told(dataset: Path) -> None:
    spoiling.describe(lambda found: found["blocktap"].update(method=99))(dataset, random.Random(0))
    assert "method 99" in str(verdict_of(dataset).faults[-1])


def test_no_folder_is_no_data_set(tmp_path: Path) -> None:
    assert "is no folder" in str(verdict_of(tmp_path / "none").faults[0])
    assert not verdict_of(tmp_path).holds
