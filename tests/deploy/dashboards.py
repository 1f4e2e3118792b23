"""The queries of the Grafana dashboards, as Grafana would send them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


class Query(NamedTuple):
    """One query of one panel."""

    dashboard: str
    panel: str
    expression: str

    def filled(self, rate_interval: str, time_range: str) -> str:
        """With "All" chosen in every list, as Grafana puts it."""
        values = {
            "$__rate_interval": rate_interval, "$__range": time_range, "$instance": ".*", "$block": ".*",
        }  # fmt: skip
        text = self.expression
        for name, value in values.items():
            text = text.replace(name, value)
        assert "$" not in text, f"{self}: a variable that the test does not know"
        return text


def dashboards() -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana").glob("*.json"))}


def panels(dashboard: dict) -> Iterator[dict]:
    """Every panel, those inside rows too."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries() -> list[Query]:
    return [
        Query(name, panel["title"], target["expr"])
        for name, dashboard in dashboards().items()
        for panel in panels(dashboard)
        for target in panel.get("targets", [])
    ]


def variables() -> list[str]:
    """What the lists of choices are made of: ``label_values(SELECTOR, LABEL)``."""
    return [
        variable["query"]["query"]
        for dashboard in dashboards().values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]
