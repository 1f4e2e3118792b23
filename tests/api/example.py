"""A program that uses the API: checked as strictly as the package itself, and run."""

import sys
from datetime import date

import sensor


def shares(store: sensor.Store) -> dict[str, float]:
    """Share of each service."""
    study = sensor.Study(store, timezone="Asia/Pyongyang", last_day=date(2017, 7, 6), resamples=200)
    return {one["service"]: one["share_flows"]["value"] for one in study.services}


def names(rows: sensor.Rows) -> list[str]:
    """Names that were seen."""
    return sorted({str(name) for name in rows.flows["name"].to_pylist() if name})


def main(capture: str, folder: str) -> None:
    """Print what is in both."""
    rows = sensor.replay(capture, watch=["175.45.176.0/22"], workers=1)
    print(rows.summary.packets, names(rows)[:2])
    with sensor.open_store(folder) as store:
        print(store.days, shares(store))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
