"""Prometheus' own tool on rules, example, dashboard and metrics: `make test` runs this where promtool is in PATH."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from devtools.patience import PATIENCE
from editqueue.adapters.journal.metrics import Metrics
from tests.deploy.monitoring import PROMETHEUS, questions

pytestmark = pytest.mark.promtool
MISSING = "promtool is not in PATH; on Debian: apt-get install --no-install-recommends prometheus"


def promtool(*words: str, given: bytes = b"") -> str:
    """What it says; it must be content."""
    program = shutil.which("promtool")
    assert program is not None, MISSING
    done = subprocess.run(
        [program, *words], cwd=PROMETHEUS, input=given, capture_output=True, timeout=PATIENCE, check=False
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def test_the_alerts_are_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint-fatal", "alerts.yaml")


def test_alerts_fire_when_they_must_and_stay_silent_when_they_must_not() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yaml")


def test_the_example_is_a_configuration() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yaml")


def test_the_dashboard_asks_what_prometheus_understands(tmp_path: Path) -> None:
    asked = [{"record": f"question_{number}", "expr": question.text} for number, question in enumerate(questions())]
    (tmp_path / "asked.yaml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}))

    assert f"SUCCESS: {len(asked)} rules found" in promtool("check", "rules", str(tmp_path / "asked.yaml"))


def test_metrics_are_named_by_the_conventions() -> None:
    assert promtool("check", "metrics", given=generate_latest(Metrics().registry)) == ""
