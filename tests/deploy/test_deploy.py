"""What deploy/ says is true of the program: settings, ports, times. No container engine is needed for these."""

import configparser
import re
import tomllib
from pathlib import Path
from typing import Any, cast

import kubernetes_validate
import pytest
import yaml

from editqueue.adapters.bucket.s3.urls import checked_endpoint
from editqueue.entrypoints.commands.backstop import KERNELS_TURN, LONGEST_END
from editqueue.entrypoints.commands.open_files import WANTED
from editqueue.setting_patterns import name_of
from editqueue.settings import Settings
from editqueue.wiring.server import START_PATIENCE

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and not {"cloudflare", "node_modules", "__pycache__"} & {*path.relative_to(DEPLOY).parts}
)
MANIFESTS = sorted(path for path in FILES if path.suffix == ".yaml")
MANIFESTS_OF_KUBERNETES = sorted((DEPLOY / "kubernetes").glob("[!k]*.yaml"))
"""All but kustomization.yaml, which is read by kubectl and never sent to a cluster."""
OWN_USER = 10001
BEFORE_THE_SIGNAL = 5
"""Seconds in which nodes and proxies hear that a pod of the API ends."""
UNITS = sorted(path for path in FILES if path.suffix in {".service", ".timer"})
SERVICES = [path.name for path in UNITS if path.suffix == ".service"]
SETTING = re.compile(r"\b(?:EDITQUEUE_(?!TEST_|BENCH_)|R2_|CLOUDFLARE_|FEATURE_|JWT_|ALLOWED_)[A-Z0-9_]*[A-Z0-9]\b")


def known_settings() -> set[str]:
    return {name_of(field) for field in Settings.model_fields}


def documents(path: Path) -> list[Any]:
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one is not None]


def workloads() -> list[tuple[str, dict[str, Any]]]:
    """Every pod of deploy/kubernetes by the name of what makes it."""
    found: list[tuple[str, dict[str, Any]]] = []
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for one in documents(path):
            spec = one.get("spec", {})
            template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
            if template is not None:
                found.append((one["metadata"]["name"], template["spec"]))
    return found


def services() -> dict[str, dict[str, Any]]:
    [compose] = documents(DEPLOY / "compose.yaml")
    return cast("dict[str, dict[str, Any]]", compose["services"])


def unit(name: str) -> configparser.SectionProxy:
    # systemd repeats names; the last one read is good enough for what is looked at here
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]  # as the documentation of configparser says
    parser.read(DEPLOY / "systemd" / name)
    return parser["Service"]


@pytest.mark.parametrize(
    "path", [*FILES, ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda one: one.name
)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    assert {*SETTING.findall(path.read_text(encoding="utf-8"))} <= known_settings()


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda one: one.name)
def test_every_manifest_can_be_read(path: Path) -> None:
    assert all(isinstance(one, dict) for one in documents(path))
    assert documents(path)


def test_everything_is_part_of_the_kustomization() -> None:
    folder = DEPLOY / "kubernetes"
    [kustomization] = documents(folder / "kustomization.yaml")

    assert {*kustomization["resources"]} == {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_the_cluster_gets_the_image_of_this_version() -> None:
    [kustomization] = documents(DEPLOY / "kubernetes" / "kustomization.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert [image["newTag"] for image in kustomization["images"]] == [project["version"]]
    assert f"editqueue:{project['version']}" in (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def test_who_stops_has_time_to_hand_everything_back() -> None:
    needed = LONGEST_END + KERNELS_TURN
    pods = dict(workloads())

    assert pods["editqueue-consumer"]["terminationGracePeriodSeconds"] > needed
    assert pods["editqueue-sweep"]["terminationGracePeriodSeconds"] > needed
    assert pods["editqueue-api"]["terminationGracePeriodSeconds"] > needed + BEFORE_THE_SIGNAL
    assert int(services()["consumer"]["stop_grace_period"].removesuffix("s")) > needed
    assert all(int(unit(name)["TimeoutStopSec"]) > needed for name in SERVICES)


def test_units_may_open_as_many_files_as_the_program_asks_for() -> None:
    assert {unit(name)["LimitNOFILE"] for name in SERVICES} == {str(WANTED)}


def test_whoever_serves_on_other_addresses_is_told_what_browsers_call_it() -> None:
    [settings] = documents(DEPLOY / "kubernetes" / "settings.yaml")

    assert settings["data"]["EDITQUEUE_PUBLIC_URL"].startswith("https://")
    assert services()["api"]["environment"]["EDITQUEUE_PUBLIC_URL"]
    for path in (DEPLOY / "Dockerfile", DEPLOY / "systemd" / "editqueue.env.example"):
        assert "EDITQUEUE_PUBLIC_URL=https://" in path.read_text(encoding="utf-8")


def test_the_bucket_of_compose_is_one_that_the_program_takes() -> None:
    assert checked_endpoint(services()["api"]["environment"]["EDITQUEUE_S3_ENDPOINT"])


def test_no_pod_takes_the_name_of_a_service_for_a_setting() -> None:
    assert {name: pod["enableServiceLinks"] for name, pod in workloads()} == dict.fromkeys(dict(workloads()), False)


@pytest.mark.parametrize(("name", "pod"), workloads(), ids=[name for name, _ in workloads()])
def test_nothing_runs_as_root_or_writes_where_it_should_not(name: str, pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == OWN_USER, "the one of the Dockerfile"
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"], name
        assert {*container["resources"]["requests"]} == {"cpu", "memory"}, name


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
@pytest.mark.parametrize("path", MANIFESTS_OF_KUBERNETES, ids=lambda one: one.name)
def test_kubernetes_knows_every_field_of_its_manifests(path: Path, version: str) -> None:
    for one in documents(path):
        kubernetes_validate.validate(one, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_would_be_noticed() -> None:
    [api, _] = documents(DEPLOY / "kubernetes" / "api.yaml")
    api["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(api, "1.30", strict=True)


def test_the_api_is_asked_whether_it_lives_and_whether_it_is_ready() -> None:
    [container] = dict(workloads())["editqueue-api"]["containers"]

    assert container["readinessProbe"]["httpGet"] == container["livenessProbe"]["httpGet"] == {
        "path": "/healthz", "port": "http"
    }  # fmt: skip


def test_a_pod_of_the_api_answers_until_everybody_has_heard_that_it_ends() -> None:
    [container] = dict(workloads())["editqueue-api"]["containers"]

    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", str(BEFORE_THE_SIGNAL)]


def test_consumers_that_cannot_start_do_not_replace_those_that_work() -> None:
    [deployment] = documents(DEPLOY / "kubernetes" / "consumer.yaml")
    [container] = deployment["spec"]["template"]["spec"]["containers"]

    assert deployment["spec"]["minReadySeconds"] > START_PATIENCE + 10
    assert container["readinessProbe"]["httpGet"] == {"path": "/metrics", "port": "metrics"}
    assert [port["containerPort"] for port in container["ports"]] == [
        int(one["value"]) for one in container["env"] if one["name"] == "EDITQUEUE_METRICS_PORT"
    ]


def test_doctor_is_called_in_pods_that_run() -> None:
    kubernetes = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").partition("\n## Kubernetes\n")[2]

    assert 0 < kubernetes.index("rollout status deployment/editqueue-consumer") < kubernetes.index("kubectl exec")


def test_containers_of_compose_have_no_rights_and_write_to_memory_alone() -> None:
    ours = {name: one for name, one in services().items() if one["image"] == "editqueue"}

    assert {*ours} == {"migrate", "api", "consumer"}
    for one in ours.values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]
        assert one["tmpfs"] == ["/tmp", "/var/lib/editqueue:mode=1777"]


def test_every_command_exists() -> None:
    commands = {"serve", "consume", "sweep", "migrate", "status"}
    used = {pod["containers"][0]["args"][0] for _, pod in workloads()}
    used |= {services()[name]["command"][0] for name in ("migrate", "api", "consumer")}
    used |= {unit(path.name)["ExecStart"].split()[1] for path in UNITS if path.suffix == ".service"}

    assert used <= commands
    assert used >= {"serve", "consume", "sweep", "migrate"}


def test_the_sweep_comes_every_two_minutes() -> None:
    [sweep] = documents(DEPLOY / "kubernetes" / "sweep.yaml")

    assert sweep["spec"]["schedule"] == "*/2 * * * *"
    assert "OnCalendar=*:0/2" in (DEPLOY / "systemd" / "editqueue-sweep.timer").read_text(encoding="utf-8")


def test_image_workers_outlive_the_signal_that_ends_their_consumer() -> None:
    assert unit("editqueue-consume@.service")["KillMode"] == "mixed"
    assert unit("editqueue-sweep.service")["KillMode"] == "mixed"


class TestDockerfile:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()

    def test_runs_as_somebody_without_rights(self) -> None:
        users = [line for line in self.lines if line.startswith("USER ")]

        assert users == [f"USER {OWN_USER}"]

    def test_gives_that_user_a_folder_of_its_own_with_nothing_in_it(self) -> None:
        text = " ".join(self.lines)

        assert f"--uid {OWN_USER}" in text
        assert "--no-create-home" in text, "else the data dir begins with somebody's .bashrc"
        assert "install -d -m 700 -o editqueue -g editqueue /var/lib/editqueue" in text

    def test_says_how_healthy_serve_is(self) -> None:
        [check] = [line for line in self.lines if line.startswith("HEALTHCHECK ")]

        assert "--start-period=" in check
        assert any("/healthz" in line for line in self.lines)

    def test_installs_nothing_that_no_lock_names(self) -> None:
        installs = [line for line in self.lines if "pip install" in line]

        fetches = [line for line in self.lines if "pip wheel" in line]

        assert len(installs) == 3
        assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)
        assert len(fetches) == 1
        assert all("--require-hashes" in line and "--no-build-isolation" in line for line in fetches)

    def test_finds_in_its_context_all_it_copies(self) -> None:
        ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        kept = {line.removeprefix("!") for line in ignore if line.startswith("!")}
        copied = {
            word
            for line in self.lines
            if line.startswith("COPY ") and "--from" not in line
            for word in line.split()[1:-1]
        }

        assert copied == kept
        assert all((ROOT / one).exists() for one in copied)

    def test_locks_its_build_tools_as_the_development_lock_does(self) -> None:
        ours = _pins((DEPLOY / "requirements-build.lock").read_text(encoding="utf-8"))
        theirs = _pins((ROOT / "requirements-dev.lock").read_text(encoding="utf-8"))

        assert ours
        assert {name: theirs.get(name) for name in ours} == ours


def _pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, flags=re.MULTILINE))
