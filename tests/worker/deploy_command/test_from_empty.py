"""An empty account, one command, and the same command again."""

import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.cloudflare.rollout import run as ways
from deploy.cloudflare.rollout.problem import Problem
from devtools.cloudflare_account.server import ACCOUNT_ID, OTHER_ACCOUNT_ID, Account
from tests.worker.deploy_command.conftest import Command, checkout, state
from tests.worker.deploy_command.deployed_worker import DeployedWorker


def test_an_empty_account_has_everything_afterwards(command: Command, account: Account) -> None:
    said = command.run()

    held = state(account)
    assert {key[1] for key in held["buckets"]} == {"piximmo-media"}
    assert held["queues"]["editqueue-dead"] == (None, [])
    assert held["subdomain"] == "editqueue-023e10"
    [consumer] = held["queues"]["editqueue-jobs"][1]
    assert (consumer["dead_letter_queue"], consumer["script_name"]) == ("editqueue-dead", "editqueue")
    assert said[-1] == f"the edit queue answers at {account.origin}"
    assert command.check() == []


def test_a_second_run_changes_nothing_and_says_so(command: Command, account: Account) -> None:
    command.run()
    account.changes.clear()
    kept = {path: path.read_bytes() for path in command.project.kept.iterdir()}

    said = command.run()

    assert account.changes == []
    assert said[0] == "nothing to do"
    assert {path: path.read_bytes() for path in command.project.kept.iterdir()} == kept


def test_a_plan_changes_nothing_and_names_what_a_run_does(command: Command, account: Account) -> None:
    planned = command.plan()

    assert (account.changes, command.project.kept.exists(), command.project.config.exists()) == ([], False, False)
    done = command.run()
    assert [line.removeprefix("would ") for line in planned[:-1]] == done[: len(planned) - 1]
    assert command.plan() == ["nothing to do"]


def test_a_jurisdiction_holds_for_database_bucket_and_queues(command: Command, account: Account) -> None:
    command.run(jurisdiction="eu", origins=["https://shop.example", "https://www.shop.example"])

    held = state(account)
    assert held["database"][1] == "eu"
    assert [*held["buckets"]] == [("eu", "piximmo-media")]
    assert {queue[0] for queue in held["queues"].values()} == {"eu"}
    config = json.loads(command.project.config.read_text())
    assert config["r2_buckets"][0]["jurisdiction"] == config["vars"]["R2_JURISDICTION"] == "eu"
    [token] = account.tokens.made.values()
    assert [*token["policies"][0]["resources"]] == [f"com.cloudflare.edge.r2.bucket.{ACCOUNT_ID}_eu_piximmo-media"]
    assert config["vars"]["ALLOWED_ORIGINS"] == "https://shop.example,https://www.shop.example"


def test_a_choice_is_kept_for_the_next_run(command: Command, account: Account) -> None:
    command.run(jurisdiction="eu", origins=["https://shop.example"])
    account.changes.clear()

    command.run(url=None)

    assert account.changes == []
    with pytest.raises(Problem, match="--jurisdiction fedramp: the deployment was made with eu, and that stays"):
        command.run(jurisdiction="fedramp")


def test_a_new_origin_changes_the_cors_rule_and_the_worker_and_nothing_else(command: Command, account: Account) -> None:
    command.run()
    account.changes.clear()

    said = command.run(origins=["https://shop.example"])

    assert said[:2] == ["set the CORS rule of piximmo-media for https://shop.example", "deploy the Worker editqueue"]
    assert account.changes[0] == "PUT /r2/buckets/piximmo-media/cors"


def test_rules_of_others_in_the_bucket_stay(command: Command, account: Account) -> None:
    command.run()
    [bucket] = account.r2.buckets.values()
    theirs = {"id": "theirs", "allowed": {"origins": ["https://other.example"], "methods": ["GET"]}}
    bucket.cors = [theirs]
    bucket.lifecycle = bucket.lifecycle[:1]

    command.run()

    assert bucket.cors is not None
    assert [rule["id"] for rule in bucket.cors] == ["theirs", "editqueue"]
    assert [rule["id"] for rule in bucket.lifecycle] == [
        "Default Multipart Abort Rule",
        "editqueue stuck uploads",
        "editqueue probes",
    ]


def test_secrets_that_are_made_are_kept_for_their_owner_alone(command: Command, account: Account) -> None:
    command.run()

    path = command.project.kept / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = {name: secret["value"] for name, secret in json.loads(path.read_text()).items()}
    assert account.workers.scripts["editqueue"].deployed.secrets == kept
    [token] = account.tokens.made.values()
    assert kept["R2_ACCESS_KEY_ID"] == token["id"]
    assert kept["R2_SECRET_ACCESS_KEY"] == hashlib.sha256(token["value"].encode()).hexdigest()


def test_secrets_that_are_given_are_taken(command: Command, account: Account) -> None:
    given = {"JWT_SECRET": "s" * 32, "R2_ACCESS_KEY_ID": "key", "R2_SECRET_ACCESS_KEY": "secret"}
    command.environment |= given

    command.run()

    assert account.workers.scripts["editqueue"].deployed.secrets == given
    assert account.tokens.made == {}
    account.changes.clear()
    command.run()
    assert account.changes == []


def test_another_value_of_a_secret_is_uploaded_once(command: Command, account: Account) -> None:
    command.run()
    command.environment["JWT_SECRET"] = "t" * 32

    assert command.check() == ["the secret JWT_SECRET has another value"]
    command.run()

    assert account.workers.scripts["editqueue"].deployed.secrets["JWT_SECRET"] == "t" * 32
    assert command.check() == []


def test_another_machine_leaves_the_secrets_alone_and_says_that_it_tries_no_photo(
    command: Command, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> None:
    command.run()
    before = dict(account.workers.scripts["editqueue"].deployed.secrets)
    account.changes.clear()

    said = Command(account, checkout(tmp_path_factory.mktemp("another"))).run()

    assert (account.workers.scripts["editqueue"].deployed.secrets, account.changes) == (before, [])
    assert "no photo tried: the Worker's JWT_SECRET is not known here; give it in the environment" in said


def test_a_subdomain_that_somebody_has_is_not_asked_for_twice(command: Command, account: Account) -> None:
    account.workers.taken = frozenset({"editqueue-023e10"})

    command.run()

    assert account.workers.subdomain == "editqueue-023e105f4ece"


def test_the_trial_prints_the_link_of_its_preview_and_its_order_can_be_removed(
    command: Command, account: Account
) -> None:
    removed: list[str] = []
    account.r2.remove = removed.append

    said = command.run()

    assert f"look at it within five minutes: {account.origin}/preview" in said
    assert (state(account)["database"][2][2], removed) == ([{"count": 1}], [])
    assert command.remove_trial() == ["the trial's order is removed"]
    assert state(account)["database"][2][2] == [{"count": 0}]
    assert [key.split("/")[4] for key in removed] == ["raw", "processed", "preview"]
    assert command.remove_trial() == ["no trial left an order"]


def test_where_nothing_was_deployed_no_trial_left_anything(command: Command) -> None:
    assert command.remove_trial() == ["no trial left an order"]


def test_another_machine_can_remove_what_the_trial_left(command: Command, tmp_path: Path) -> None:
    command.run()
    command.project = checkout(tmp_path / "other")

    assert command.remove_trial() == ["the trial's order is removed"]


def test_the_next_trial_removes_what_the_last_one_left(command: Command, account: Account) -> None:
    command.run()

    command.run(origins=["https://shop.example"])

    assert state(account)["database"][2][2] == [{"count": 1}]


def test_the_account_must_be_told_where_the_token_sees_several(command: Command, account: Account) -> None:
    account.names[OTHER_ACCOUNT_ID] = "other"

    with pytest.raises(Problem) as caught:
        command.run()

    assert str(caught.value) == (
        f"the token sees 2 accounts, set CLOUDFLARE_ACCOUNT_ID to one of: {ACCOUNT_ID} (pix.immo), "
        f"{OTHER_ACCOUNT_ID} (other)"
    )
    command.environment["CLOUDFLARE_ACCOUNT_ID"] = ACCOUNT_ID
    command.run()
    command.environment["CLOUDFLARE_ACCOUNT_ID"] = OTHER_ACCOUNT_ID
    with pytest.raises(Problem, match=f"was deployed to the account {ACCOUNT_ID}"):
        command.run()


def test_a_look_at_the_trial_that_fails_is_followed_by_another(command: Command, deployed: DeployedWorker) -> None:
    deployed.breaks = 2

    assert any(line.startswith("its preview was there") for line in command.run())


def test_secrets_lie_in_no_other_folder_while_they_are_uploaded(command: Command) -> None:
    with command.opened() as deployment:
        calls = deployment.wrangler
        folders: list[Path] = []

        def noted(*arguments: str) -> None:
            folders.extend(Path(argument).parent for argument in arguments if argument.endswith(".json"))
            calls(*arguments)

        deployment.wrangler = noted
        ways.run(deployment)

    assert folders == [command.project.kept]
    assert {path.name for path in command.project.kept.iterdir()} == {"deployment.json", "secrets.json"}


def test_a_trial_waits_for_keys_that_are_not_known_everywhere_yet(command: Command, deployed: DeployedWorker) -> None:
    deployed.refuses = 3

    command.run()

    assert (deployed.refuses, len(deployed.photos)) == (0, 1)


def test_a_staging_takes_nothing_of_the_production(command: Command, account: Account) -> None:
    command.run()
    production = state(account)["buckets"]
    project = replace(command.project, name="editqueue-staging")

    said = Command(account, project).plan()

    assert "would create the R2 bucket editqueue-staging-media" in said
    assert not any("piximmo-media" in line for line in said)
    assert state(account)["buckets"] == production
