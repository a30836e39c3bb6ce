"""`--check` names each kind of difference in a line, and a run mends those that can be mended."""

from collections.abc import Callable

import pytest

from deploy.cloudflare.rollout.problem import Problem
from devtools.cloudflare_account.d1 import Database, in_memory
from devtools.cloudflare_account.server import Account
from devtools.cloudflare_account.workers import Version, Worker
from tests.worker.deploy_command.conftest import Command, state
from tests.worker.deploy_command.deployed_worker import NAME

Spoil = Callable[[Account], None]


def _lose_the_database(account: Account) -> None:
    account.d1.databases.clear()


def _lose_a_migration(account: Account) -> None:
    [database] = account.d1.databases.values()
    database.execute(
        [
            ("DELETE FROM d1_migrations WHERE name LIKE '0003%'", ()),
            ("DROP TABLE consumer_pauses", ()),
            ("DROP TABLE job_starts", ()),
        ]
    )


def _lose_the_bucket(account: Account) -> None:
    account.r2.buckets.clear()


def _lose_the_cors_rule(account: Account) -> None:
    [bucket] = account.r2.buckets.values()
    bucket.cors = None


def _lose_a_lifecycle_rule(account: Account) -> None:
    [bucket] = account.r2.buckets.values()
    bucket.lifecycle.pop()


def _lose_the_dead_letters(account: Account) -> None:
    account.queues.queues = {key: queue for key, queue in account.queues.queues.items() if queue.name != f"{NAME}-dead"}


def _lose_the_consumer(account: Account) -> None:
    for queue in account.queues.queues.values():
        queue.consumers.clear()


def _change_the_consumer(account: Account) -> None:
    for queue in account.queues.queues.values():
        for consumer in queue.consumers:
            consumer["settings"]["max_retries"] = 3


def _lose_the_subdomain(account: Account) -> None:
    account.workers.subdomain = None


def _lose_the_worker(account: Account) -> None:
    account.workers.scripts.clear()


def _lose_a_secret(account: Account) -> None:
    worker = account.workers.scripts[NAME]
    secrets = {name: value for name, value in worker.deployed.secrets.items() if name != "JWT_SECRET"}
    object.__setattr__(worker.deployed, "secrets", secrets)


def _deploy_by_other_means(account: Account) -> None:
    worker = account.workers.scripts[NAME]
    object.__setattr__(worker.deployed, "metadata", {**worker.deployed.metadata, "annotations": {}})


def _lose_the_cron(account: Account) -> None:
    account.workers.scripts[NAME].crons = []


def _leave_workers_dev(account: Account) -> None:
    account.workers.scripts[NAME].on_workers_dev = False


NOT_OUR_CONSUMER = "the Worker editqueue is not the consumer of editqueue-jobs with the settings of wrangler.jsonc"
KINDS: list[tuple[Spoil, str]] = [
    (_lose_a_migration, "the migration 0003_lanes_and_pauses.sql is not applied"),
    (_lose_the_bucket, "the R2 bucket piximmo-media is missing"),
    (_lose_the_cors_rule, "the CORS rule of piximmo-media for uploads from https://pix.immo is missing"),
    (_lose_a_lifecycle_rule, "the lifecycle rule 'editqueue probes' of piximmo-media is missing"),
    (_lose_the_dead_letters, "the queue editqueue-dead is missing"),
    (_lose_the_consumer, NOT_OUR_CONSUMER),
    (_change_the_consumer, NOT_OUR_CONSUMER),
    (_lose_the_subdomain, "the account has no subdomain of workers.dev"),
    (_lose_the_worker, "the Worker editqueue is missing"),
    (_lose_a_secret, "the secret JWT_SECRET is not set"),
    (_deploy_by_other_means, "the Worker editqueue is not the version of this checkout and configuration"),
    (_lose_the_cron, "the cron of editqueue is missing, not */2 * * * *"),
    (_leave_workers_dev, "the Worker editqueue does not answer on workers.dev"),
    (_lose_the_database, "the D1 database editqueue is missing"),
]


@pytest.fixture
def deployed_once(command: Command) -> Command:
    command.run()
    return command


def test_each_kind_of_difference_is_found_and_mended(deployed_once: Command, account: Account) -> None:
    whole = state(account)
    for spoil, line in KINDS:
        spoil(account)
        account.changes.clear()

        found = deployed_once.check()

        assert line in found
        assert account.changes == [], "a check changes nothing"
        deployed_once.run()
        assert state(account) == whole, line
        assert deployed_once.check() == [], line


def test_an_empty_account_lacks_everything_and_a_check_makes_nothing(command: Command, account: Account) -> None:
    found = command.check()

    assert found[0] == "the D1 database editqueue is missing"
    assert found[-1] == "the Worker editqueue is missing"
    assert (account.changes, command.project.kept.exists()) == ([], False)


def test_rules_that_come_back_in_another_shape_are_the_same_rules(deployed_once: Command, account: Account) -> None:
    [bucket] = account.r2.buckets.values()
    assert bucket.cors is not None
    [cors] = bucket.cors
    allowed = {name: [*reversed(values)] for name, values in cors["allowed"].items()}
    bucket.cors = [{**cors, "allowed": allowed, "exposeHeaders": []}]
    bucket.lifecycle = [
        {**rule, "conditions": {}} if rule["conditions"]["prefix"] == "" else rule for rule in bucket.lifecycle
    ]

    assert deployed_once.check() == []
    bucket.cors[0]["allowed"]["methods"] = ["GET", "HEAD"]
    assert deployed_once.check() == ["the CORS rule of piximmo-media for uploads from https://pix.immo is missing"]


def test_what_only_a_person_can_mend_stops_a_run_with_what_to_do(deployed_once: Command, account: Account) -> None:
    for queue in account.queues.queues.values():
        if queue.name == "editqueue-jobs":
            queue.consumers[:] = [{"type": "http_pull", "consumer_id": "c", "settings": {}}]

    assert "the queue editqueue-jobs has another consumer: http_pull" in deployed_once.check()
    assert deployed_once.plan()[0].startswith("would stop: the queue editqueue-jobs has another consumer: http_pull: a")
    with pytest.raises(Problem, match="a queue has one consumer: remove that one"):
        deployed_once.run()


def test_a_database_that_is_newer_than_the_checkout_stops_a_run(deployed_once: Command, account: Account) -> None:
    [database] = account.d1.databases.values()
    database.execute([("INSERT INTO d1_migrations (name) VALUES ('0099_later.sql')", ())])

    with pytest.raises(Problem, match=r"D1 has the migration 0099_later\.sql, .*: deploy from the newer checkout"):
        deployed_once.run()


def test_a_worker_of_somebody_else_is_not_replaced(command: Command, account: Account) -> None:
    theirs = Version(id="v", metadata={"bindings": [{"name": "KV", "type": "kv_namespace"}]}, files={}, secrets={})
    account.workers.scripts[NAME] = Worker(deployed=theirs, versions=[theirs])

    with pytest.raises(Problem, match=r"the Worker editqueue is not an edit queue, .*: take another --name"):
        command.run()

    assert (account.changes, account.workers.scripts[NAME].deployed) == ([], theirs)


@pytest.mark.parametrize("migrated", [False, True])
def test_a_database_of_somebody_else_gets_no_migrations(command: Command, account: Account, migrated: bool) -> None:
    theirs = in_memory()
    theirs([("CREATE TABLE customers (id TEXT)", ())])
    if migrated:
        theirs(
            [("CREATE TABLE d1_migrations (name TEXT)", ()), ("INSERT INTO d1_migrations VALUES ('0001_a.sql')", ())]
        )
    account.d1.databases["d"] = Database(id="d", name=NAME, jurisdiction=None, execute=theirs)

    with pytest.raises(Problem, match="the D1 database editqueue holds tables that are not the edit queue's: take ano"):
        command.run()

    assert account.changes == []


@pytest.mark.parametrize("what", ["database", "queue"])
def test_another_jurisdiction_cannot_be_mended(deployed_once: Command, account: Account, what: str) -> None:
    for held in account.d1.databases.values() if what == "database" else account.queues.queues.values():
        held.jurisdiction = "eu"

    with pytest.raises(Problem, match="has the jurisdiction eu, not none: it is chosen when"):
        deployed_once.run()
