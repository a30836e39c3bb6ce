"""Alerts and dashboard ask only what a running editqueue answers, and lead whoever is woken to a page that helps."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry

from devtools.installation import Installation, free_port
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene
from devtools.seeds import seed_files, seed_order, submit
from editqueue.adapters.journal.metrics import Metrics
from editqueue.adapters.journal.queue_metrics import QueueMetrics
from tests.deploy.monitoring import (
    ALERTS_TEST,
    BY_PROMETHEUS,
    PROMETHEUS,
    Question,
    Scrape,
    dashboard,
    labels_kept,
    missing,
    questions,
    read_scrape,
    rules,
    selectors,
)

ROOT = Path(__file__).parents[2]
UNSEEN = {
    "__inputs", "__requires", "id", "definition", "builtIn", "step", "titleFormat", "textFormat", "tagKeys", "mode",
}  # fmt: skip
"""Fields that Grafana reads and its models leave out: of imports, Prometheus' annotations and heatmaps' tooltips."""
READ_AT = "editqueue_database_read_timestamp_seconds"
FRESH = rf"\s+and on \(instance\)\s+\(time\(\) - {READ_AT}{{[^}}]*}} < 120\)"
"""What follows a figure of the database, so that only those count that were read within two minutes."""
WIDTH = 24
"""Columns of Grafana's grid."""


@contextmanager
def running(here: Installation, *words: str) -> Generator[str]:
    """Where its metrics are."""
    port = free_port()
    here.environment["EDITQUEUE_METRICS_PORT"] = str(port)
    path = here.folder.parent / f"{words[0]}.log"
    with path.open("wb") as log, here.start(*words, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{port}/metrics"
        finally:
            process.kill()


def wait_for(url: str, is_so: Callable[[str], bool]) -> str:
    """What is served there, once it is so."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        try:
            text = httpx.get(url, trust_env=False).text
        except httpx.TransportError:
            text = ""
        if text and is_so(text):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{url} never said it")


def seed(here: Installation, *bodies: bytes) -> None:
    """An order of these photos, sent off."""

    async def seeded() -> None:
        store = await here.open_store()
        order = await seed_order(store)
        for body in bodies:
            [file] = await seed_files(store, order, 1, size=len(body))
            path = here.bucket / file.object_key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            await submit(store, [file], now=datetime.now(UTC))
        await store.close()

    asyncio.run(seeded())


@pytest.fixture(name="scrape", scope="module")
def _scrape(tmp_path_factory: pytest.TempPathFactory) -> Scrape:
    """Of a consumer that edited one photo and failed at another, and of an API that was asked for something."""
    here = Installation(tmp_path_factory.mktemp("monitored") / "data")
    seed(here, encoded(scene(1600, 1200)), b"no picture at all")
    with ExitStack() as processes:
        consumer = processes.enter_context(running(here, "consume"))
        worked = wait_for(consumer, lambda text: attempts_ended(text) == 2)
        port = free_port()
        api = processes.enter_context(running(here, "serve", "--no-consumer", "--port", str(port)))
        wait_for(f"http://127.0.0.1:{port}/healthz", lambda text: "ok" in text)
        served = wait_for(api, lambda text: "editqueue_consumer_jobs{" in text and 'route="/healthz"' in text)
    return read_scrape(worked + served.replace("# EOF\n", ""))


def attempts_ended(text: str) -> int:
    counts = re.findall(r"^editqueue_attempt_seconds_count{.*} (\S+)$", text, flags=re.MULTILINE)
    return int(sum(float(count) for count in counts))


def test_what_is_asked_exists_in_a_scrape_of_a_real_run(scrape: Scrape) -> None:
    absent = {
        str(question): [name for selector in selectors(question.text) for name in missing(selector, scrape)]
        for question in questions()
    }

    assert {asked: names for asked, names in absent.items() if names} == {}


def test_labels_that_are_summed_up_by_exist(scrape: Scrape) -> None:
    def known(question: Question) -> set[str]:
        of_each = [scrape.get(selector.metric, []) for selector in selectors(question.text)]
        return BY_PROMETHEUS | {name for series in of_each for labels in series for name in labels}

    unknown = {str(question): labels_kept(question.text) - known(question) for question in questions()}

    assert {asked: names for asked, names in unknown.items() if names} == {}


def test_the_check_itself_notices_a_metric_a_label_and_a_value_that_do_not_exist(scrape: Scrape) -> None:
    def not_there(text: str) -> list[str]:
        return [name for selector in selectors(text) for name in missing(selector, scrape)]

    assert not_there("rate(editqueue_job_total[5m])") == ["editqueue_job_total"]
    assert not_there('editqueue_jobs_total{state="done"}') == [
        "editqueue_jobs_total{state}",
        'editqueue_jobs_total{state="done"}',
    ]
    assert not_there('editqueue_jobs_total{status=~"done|gone"}') == ['editqueue_jobs_total{status="gone"}']
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        selectors("sum(rate(editqueue_jobs_total[5m])")


def test_every_metric_of_ours_is_asked_for_by_somebody() -> None:
    asked = {selector.metric for question in questions() for selector in selectors(question.text)}
    asked |= {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    families = [family for family in Metrics().registry.collect() if family.name.startswith("editqueue_")]
    named = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}

    assert named - asked == set()


def test_figures_of_the_database_count_only_where_they_were_read_a_moment_ago() -> None:
    registry = CollectorRegistry()
    QueueMetrics(registry)
    figures = {family.name for family in registry.collect()} - {READ_AT}
    stale = {
        str(question): [
            figure
            for figure in figures
            if question.text.count(f"{figure}{{") > len(re.findall(rf"{figure}{{[^}}]*}}{FRESH}", question.text))
        ]
        for question in questions()
    }

    assert {asked: names for asked, names in stale.items() if names} == {}


def test_every_alert_says_how_bad_it_is_what_is_wrong_and_where_to_read_on() -> None:
    pages = {page: headings(ROOT / "docs" / page) for page in ("runbook.md",)}
    names = [rule["alert"] for rule in rules()]

    assert len({*names}) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert {*rule["annotations"]} == {"summary", "description", "runbook_url"}, rule["alert"]
        page, _, anchor = rule["annotations"]["runbook_url"].removeprefix("docs/").partition("#")
        assert anchor == rule["alert"].lower()
        assert rule["alert"] in pages[page]


def test_the_runbook_has_no_heading_that_no_alert_leads_to() -> None:
    assert headings(ROOT / "docs" / "runbook.md") == [rule["alert"] for rule in rules()]


def headings(page: Path) -> list[str]:
    return re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_alert_is_tried_by_a_test_of_promtools() -> None:
    tests = yaml.safe_load(ALERTS_TEST.read_text(encoding="utf-8"))["tests"]
    fired = {
        name
        for test in tests
        for question in test["promql_expr_test"]
        for sample in question["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }

    assert fired == {rule["alert"] for rule in rules()}


def test_the_example_scrapes_under_the_name_by_which_alerts_go() -> None:
    example = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text(encoding="utf-8"))

    assert [job["job_name"] for job in example["scrape_configs"]] == ["editqueue"]
    assert example["rule_files"] == ["alerts.yaml"]
    assert all('job="editqueue"' in rule["expr"] for rule in rules())


def panels() -> list[dict[str, Any]]:
    return dashboard()["panels"]


def test_grafanas_own_models_know_every_field_of_the_dashboard() -> None:
    plugins.register_default_plugins()
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard())))

    assert {path for path in lost(dashboard(), known) if path not in UNSEEN} == set()


def lost(ours: Any, known: Any) -> Generator[str]:
    """The names of fields that are not in `known`. Fails for what is something else there."""
    if isinstance(ours, dict):
        fields = cast("dict[str, Any]", ours)
        for name, value in fields.items():
            if name in known:
                yield from lost(value, known[name])
            else:
                yield name
    elif isinstance(ours, list):
        for value, other in zip(cast("list[Any]", ours), known, strict=True):
            yield from lost(value, other)
    else:
        assert ours == known


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in panels()]
    taken: set[tuple[int, int]] = set()

    assert len({*ids}) == len(ids)
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }  # fmt: skip
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_says_what_it_shows_in_which_unit_and_asks_the_chosen_prometheus() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels():
        if panel["type"] == "row":
            continue
        assert panel["description"], panel["title"]
        assert panel["datasource"] == chosen
        assert [target["datasource"] for target in panel["targets"]] == [chosen] * len(panel["targets"])
        overrides = [one["id"] for field in panel["fieldConfig"]["overrides"] for one in field["properties"]]
        options = panel["options"].get("yAxis", {})
        assert "unit" in {*panel["fieldConfig"]["defaults"], *overrides, *options}, panel["title"]
    assert {variable["name"] for variable in dashboard()["templating"]["list"]} == {"datasource", "job", "instance"}


def test_the_dashboard_reads_as_the_life_of_a_photo() -> None:
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]

    assert [title for title in rows if title[0].isdigit()] == [
        "1. Submitted, and waiting",
        "2. Claimed",
        "3. Edited: copy and preview, at the same time",
        "4. Published and settled",
        "5. Done, or not",
    ]
