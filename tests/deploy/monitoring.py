"""What alerts and dashboard ask Prometheus, and what of it a scrape has."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import promql_parser
import yaml
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
ALERTS = PROMETHEUS / "alerts.yaml"
ALERTS_TEST = PROMETHEUS / "alerts_test.yaml"
DASHBOARD = DEPLOY / "grafana" / "editqueue.json"
OF_PROMETHEUS = {"up": {"job", "instance"}}
"""Series that Prometheus makes, and their labels."""
BY_PROMETHEUS = {"job", "instance"}
"""Labels that Prometheus gives to whatever it scrapes."""
VARIABLES = {"$__rate_interval": "5m", "$job": "editqueue", "$instance": ".*"}


@dataclass(frozen=True, kw_only=True)
class Question:
    """One expression, and who asks it."""

    asked_by: str
    text: str

    def __str__(self) -> str:
        return self.asked_by


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(DASHBOARD.read_text(encoding="utf-8")))


def questions() -> list[Question]:
    """Of alerts and dashboard, Grafana's variables filled in."""
    panels = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]
    notes = [note for note in dashboard()["annotations"]["list"] if "expr" in note]
    return [
        *(Question(asked_by=rule["alert"], text=rule["expr"]) for rule in rules()),
        *(
            Question(asked_by=f"{panel['title']}, {target['refId']}", text=filled_in(target["expr"]))
            for panel in panels
            for target in panel["targets"]
        ),
        *(Question(asked_by=note["name"], text=filled_in(note["expr"])) for note in notes),
    ]


def filled_in(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


@dataclass(frozen=True, kw_only=True)
class Selector:
    """One metric in an expression, and the label values that it is narrowed down to."""

    metric: str
    labels: Mapping[str, tuple[str, ...]]
    """By name; of a regular expression its alternatives, none where it is more than a list of words."""


def selectors(text: str) -> list[Selector]:
    """Raises ValueError for what is no PromQL."""
    found: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name is not None, text
            labels = {matcher.name: _values(matcher.value) for matcher in node.matchers.matchers}
            found.append(Selector(metric=node.name, labels=labels))

    promql_parser.walk(promql_parser.parse(text), visit)
    return found


def _values(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.split("|")) if re.fullmatch(r"[\w |]+", pattern) else ()


def labels_kept(text: str) -> set[str]:
    """Those by which the expression sums up, joins or names what it found."""
    lists = re.findall(r"\b(?:by|on|group_left|ignoring|without)\s*\(([^)]*)\)", text)
    return {label.strip() for labels in lists for label in labels.split(",") if label.strip()}


Scrape = Mapping[str, list[Mapping[str, str]]]
"""By the name of a sample the labels of all its series."""


def read_scrape(text: str) -> Scrape:
    found: dict[str, list[Mapping[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def missing(selector: Selector, scrape: Scrape) -> Iterator[str]:
    """What the selector names and the scrape does not have."""
    if selector.metric in OF_PROMETHEUS:
        return
    series = scrape.get(selector.metric)
    if series is None:
        yield selector.metric
        return
    names = {name for labels in series for name in labels}
    for name, values in selector.labels.items():
        if name in BY_PROMETHEUS:
            continue
        if name not in names:
            yield f"{selector.metric}{{{name}}}"
        for value in values:
            if not any(labels.get(name) == value for labels in series):
                yield f'{selector.metric}{{{name}="{value}"}}'
