"""Whatever goes wrong is one line that says what to do: a missing right, no network, a wrong word."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.cloudflare.rollout.api import Api
from deploy.cloudflare.rollout.command import main
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.project import Project
from deploy.cloudflare.rollout.wrangler import InstalledWrangler, failure
from devtools.cloudflare.installation import ROOT
from devtools.cloudflare_account.routes import (
    D1_RIGHT,
    QUEUES_RIGHT,
    R2_RIGHT,
    RIGHTS,
    SETTINGS_RIGHT,
    TOKENS_RIGHT,
    WORKERS_RIGHT,
)
from devtools.cloudflare_account.server import ACCOUNT_ID, Account
from tests.worker.deploy_command.conftest import Command
from tests.worker.deploy_command.deployed_worker import DeployedWorker

WHERE = "give it at dash.cloudflare.com > My Profile > API Tokens > the token > Edit"


@pytest.mark.parametrize("right", [D1_RIGHT, R2_RIGHT, QUEUES_RIGHT, WORKERS_RIGHT, TOKENS_RIGHT])
def test_a_missing_right_is_named_with_where_to_give_it_and_the_run_goes_on_afterwards(
    right: str, command: Command, account: Account
) -> None:
    account.rights = RIGHTS - {right}

    with pytest.raises(Problem) as caught:
        command.run()

    line = str(caught.value)
    assert f"CLOUDFLARE_API_TOKEN lacks the right Account > {right} > Edit: {WHERE}" in line
    assert "\n" not in line
    account.rights = RIGHTS
    command.run()
    assert command.check() == []


def test_the_right_to_list_accounts_may_be_missing_where_the_account_is_named(
    command: Command, account: Account
) -> None:
    account.rights = RIGHTS - {SETTINGS_RIGHT}

    with pytest.raises(Problem, match=r"the token sees no account: give it Account > Account Settings > Read, or set"):
        command.run()
    command.environment["CLOUDFLARE_ACCOUNT_ID"] = ACCOUNT_ID
    command.run()


def test_keys_of_r2_may_be_given_where_the_token_may_not_make_them(command: Command, account: Account) -> None:
    account.rights = RIGHTS - {TOKENS_RIGHT}
    command.environment |= {"R2_ACCESS_KEY_ID": "key", "R2_SECRET_ACCESS_KEY": "secret"}

    command.run()

    assert command.check() == []


def test_an_account_that_never_took_up_r2_is_told_where_to(command: Command, account: Account) -> None:
    account.r2.switched_on = False

    with pytest.raises(Problem, match=r"R2 is not switched on for this account: dash\.cloudflare\.com > R2"):
        command.run()


def test_a_wrong_token_is_called_wrong(account: Account) -> None:
    with (
        httpx.Client(headers={"Authorization": "Bearer wrong"}) as http,
        pytest.raises(Problem, match="Cloudflare does not know CLOUDFLARE_API_TOKEN"),
    ):
        Api(http=http, base_url=account.base_url).get("/accounts")


def test_an_api_that_cannot_be_reached_is_named(account: Account) -> None:
    with (
        httpx.Client() as http,
        pytest.raises(Problem, match=r"127\.0\.0\.1:9 cannot be reached \(.*\): check the network, then run the"),
    ):
        Api(http=http, base_url="http://127.0.0.1:9").get("/accounts")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_is_tried_again_and_a_change_only_when_it_was_not_taken(status: int) -> None:
    waits: list[float] = []
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        return httpx.Response(status, json={"result": None, "errors": [{"code": 1, "message": "busy"}]})

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        api = Api(http=http, base_url="http://api", pause=waits.append)
        with pytest.raises(Problem):
            api.get("/accounts")
        assert (calls, waits) == (["GET"] * 4, [1, 2, 3])
        with pytest.raises(Problem):
            api.call("POST", "/accounts")
    assert calls.count("POST") == (4 if status == 429 else 1)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"errors": []}'])
def test_an_answer_that_is_not_the_apis_is_one_line(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=body))
    with (
        httpx.Client(transport=transport) as http,
        pytest.raises(Problem, match="answered 200 to /accounts without JSON of its own"),
    ):
        Api(http=http, base_url="http://api").get("/accounts")


@pytest.mark.parametrize(
    ("choices", "line"),
    [
        ({"origins": ["https://pix.immo/"]}, "--origin https://pix.immo/ is not an origin"),
        ({"url": "edit.pix.immo"}, "--url edit.pix.immo is no address of a Worker"),
        ({"jurisdiction": "mars"}, "--jurisdiction mars is none: eu or fedramp"),
        ({"bucket": "Pix/Immo"}, "--bucket Pix/Immo: 3 to 63 small letters, digits and hyphens"),
    ],
)
def test_a_wrong_choice_is_named(command: Command, choices: dict[str, Any], line: str) -> None:
    with pytest.raises(Problem, match=line):
        command.run(**choices)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"JWT_SECRET": "short"}, "JWT_SECRET has 5 bytes, 32 are the least"),
        ({"R2_ACCESS_KEY_ID": "key"}, "belong together"),
        ({"CLOUDFLARE_ACCOUNT_ID": "piximmo"}, "CLOUDFLARE_ACCOUNT_ID is 'piximmo', not 32 digits"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named(command: Command, given: dict[str, str], line: str) -> None:
    command.environment |= given

    with pytest.raises(Problem, match=line):
        command.run()


@pytest.mark.parametrize("text", ["{", "[1]", '{"JWT_SECRET": "only the value"}'])
@pytest.mark.parametrize("name", ["deployment.json", "secrets.json"])
def test_a_file_of_its_own_that_cannot_be_read_is_named(command: Command, name: str, text: str) -> None:
    command.project.kept.mkdir(parents=True)
    (command.project.kept / name).write_text(text)

    with pytest.raises(Problem, match=f"{name} cannot be read"):
        command.run()


def test_a_job_that_fails_ends_the_trial_and_says_what_is_left(
    command: Command, account: Account, deployed: DeployedWorker
) -> None:
    deployed.outcome = "failed"

    with pytest.raises(Problem, match=r"the job of the trial photo failed: .*; the trial's order stays until"):
        command.run()
    deployed.outcome = "done"
    assert command.run()[0] == "try a photo as a customer"


def test_a_preview_that_never_comes_ends_the_trial(command: Command, deployed: DeployedWorker) -> None:
    deployed.outcome = "queued"

    with pytest.raises(Problem, match="made no preview for 300 s"):
        command.run()


def test_a_preview_that_is_a_plain_copy_says_what_to_switch_on(command: Command, deployed: DeployedWorker) -> None:
    deployed.copies = True

    with pytest.raises(Problem, match="1600 x 1000 px, a plain copy of the photo: switch on Images > Transformations"):
        command.run()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "devtools" / "cloudflare"
    folder.mkdir(parents=True)
    wrangler = {"version": "4.99.0", "engines": {"node": ">=22.12.0"}}
    (folder / "package-lock.json").write_text(json.dumps({"packages": {"node_modules/wrangler": wrangler}}))
    return folder


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_node_that_is_missing_or_too_old_or_cannot_install_is_named(tools: Path, tmp_path: Path) -> None:
    path = tmp_path / "bin"
    wrangler = InstalledWrangler(project=Project(root=tmp_path, name="editqueue"), environment={"PATH": str(path)})
    with pytest.raises(Problem, match="Node and npm are not installed"):
        wrangler("deploy")
    _program(path, "node", "echo v20.20.2")
    _program(path, "npm", "echo 'npm error no network' >&2; exit 1")
    with pytest.raises(Problem, match=r"Node is v20\.20\.2, and wrangler 4\.99\.0 needs 22\.12\.0 or newer"):
        wrangler("deploy")
    _program(path, "node", "echo v24.1.0")
    with pytest.raises(Problem, match=f"npm ci failed in {tools}, .*: npm error no network"):
        wrangler("deploy")


def test_an_installation_that_was_cut_off_is_done_anew_without_sight_of_the_secrets(
    tools: Path, tmp_path: Path
) -> None:
    path, packages = tmp_path / "bin", tools / "node_modules"
    (packages / "wrangler").mkdir(parents=True)
    (packages / "wrangler" / "package.json").write_text('{"version": "4.99.0"}')
    whole = (tools / "package-lock.json").read_text()
    _program(tmp_path / "wrangler", "wrangler", f"echo ran >> {tmp_path}/ran")
    _program(path, "node", "echo v24.1.0")
    _program(
        path,
        "npm",
        f"env >> {tmp_path}/seen; cp -r {tmp_path}/wrangler {packages}/.bin; echo '{whole}' > "
        f"{packages}/.package-lock.json",
    )
    environment = {"PATH": f"{path}:{os.defpath}", "CLOUDFLARE_API_TOKEN": "hidden", "JWT_SECRET": "hidden"}
    wrangler = InstalledWrangler(project=Project(root=tmp_path, name="editqueue"), environment=environment)
    (tmp_path / "deploy" / "cloudflare").mkdir(parents=True)

    wrangler("deploy")
    wrangler("deploy")

    assert (tmp_path / "ran").read_text() == "ran\n" * 2
    seen = (tmp_path / "seen").read_text()
    assert seen.count("PATH=") == 1, "npm installs once"
    assert "hidden" not in seen


def test_ctrl_c_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_environment: object) -> dict[str, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("deploy.cloudflare.rollout.command.signed_in", interrupted)
    monkeypatch.setattr(sys, "argv", ["deploy-cloudflare"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "deploy-cloudflare: cut off; run the command again, it goes on where it stopped\n"
    )


def test_a_configuration_that_is_no_json_is_named(command: Command) -> None:
    command.project.template.write_text('{"name": "editqueue",}')

    with pytest.raises(Problem, match=r"wrangler\.jsonc cannot be read \(.*line 1 .*\): JSON, but for comments"):
        command.run()


def test_a_worker_without_its_consumer_is_refused_in_one_line(command: Command) -> None:
    template = command.project.template
    text = template.read_text()
    begins = text.index('"consumers": [')
    template.write_text(text[:begins].rstrip(", \n") + text[text.index("]", begins) + 1 :])

    with pytest.raises(
        Problem, match=r"no consumer of the queue, .*: put queues\.consumers back\. docs/cloudflare_worker\.md"
    ):
        command.run()


def test_what_wrangler_says_becomes_one_line() -> None:
    path = f"/accounts/{ACCOUNT_ID}/workers/scripts/editqueue"
    no_right = (
        f"\x1b[31m✘ [ERROR]\x1b[0m A request to the Cloudflare API ({path}) failed.\n\n"
        "  Authentication error [code: 10000]\n"
    )
    too_slow = (
        f"✘ [ERROR] A request to the Cloudflare API ({path}) failed.\n\n  Script startup exceeded CPU time limit. "
        "[code: 10021]\n\n  If you think this is a bug, please open an issue\n\n🪵  Logs were written to x\n"
    )

    assert failure("deploy", no_right).startswith(
        "CLOUDFLARE_API_TOKEN lacks the right Account > Workers Scripts > Edit"
    )
    assert failure("deploy", too_slow) == (
        f"wrangler deploy failed: A request to the Cloudflare API ({path}) failed. Script startup exceeded CPU time "
        "limit. [code: 10021]"
    )
    assert failure("deploy", "") == "wrangler deploy failed: it said nothing"


@pytest.mark.parametrize(
    ("arguments", "environment", "line"),
    [
        ((), {}, "CLOUDFLARE_API_TOKEN is not set: make a token at"),
        (("--plan", "--check"), {"CLOUDFLARE_API_TOKEN": "t"}, "--plan, --check and --remove-trial exclude each other"),
        (("--name", "Pix Immo"), {"CLOUDFLARE_API_TOKEN": "t"}, "--name Pix Immo: small letters"),
        ((), {"CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_API_BASE_URL": "http://127.0.0.1:9"}, "127.0.0.1:9 cannot be"),
        ((), {"CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_API_BASE_URL": "nowhere"}, "nowhere cannot be reached"),
        ((), {"CLOUDFLARE_API_TOKEN": "zwölf"}, "CLOUDFLARE_API_TOKEN holds characters that no token has"),
    ],
)
def test_the_command_ends_with_one_line(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["deploy-cloudflare", *arguments])
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_ACCOUNT_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        main()

    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert said.err.startswith(f"deploy-cloudflare: {line}")
    assert said.err.count("\n") == 1


def test_make_runs_the_command_and_ends_with_its_line() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDFLARE_")}

    done = subprocess.run(
        ["make", "--silent", "--assume-old=.venv/.ready", "deploy-cloudflare", "ARGS=--plan"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("deploy-cloudflare: CLOUDFLARE_API_TOKEN is not set: make a token at")
    assert "Traceback" not in done.stderr
