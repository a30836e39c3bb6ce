"""The D1 database and its migrations."""

from collections.abc import Iterator
from typing import Any

from deploy.cloudflare.rollout.deployment import Deployment, Difference
from deploy.cloudflare.rollout.private_files import write_private


def database(deployment: Deployment) -> Iterator[Difference]:
    wanted = deployment.wanted
    found = find_database(deployment)
    if found is None:
        yield Difference(
            lines=[f"the D1 database {wanted.database} is missing"],
            doing=f"create the D1 database {wanted.database}",
            mend=lambda: _create(deployment),
        )
    elif found.get("jurisdiction") != wanted.jurisdiction:
        place = found.get("jurisdiction") or "none"
        yield Difference(
            lines=[
                f"the D1 database {wanted.database} has the jurisdiction {place}, not {wanted.jurisdiction or 'none'}"
            ],
            doing="it is chosen when a database is made: take its --jurisdiction, or another --name",
            mend=None,
        )
    yield from _migrations(deployment)


def find_database(deployment: Deployment) -> dict[str, Any] | None:
    """What the account has under the wanted name; its id is known from then on."""
    name = deployment.wanted.database
    listed = deployment.api.get(f"{deployment.account}/d1/database", params={"name": name, "per_page": "100"})
    found = next((database for database in listed if database["name"] == name), None)
    deployment.know(database_id=None if found is None else found["uuid"])
    return found


def _create(deployment: Deployment) -> None:
    wanted = deployment.wanted
    place = {} if wanted.jurisdiction is None else {"jurisdiction": wanted.jurisdiction}
    made = deployment.api.call("POST", f"{deployment.account}/d1/database", body={"name": wanted.database, **place})
    deployment.remember(database_id=made["uuid"])


def _migrations(deployment: Deployment) -> Iterator[Difference]:
    ours = sorted(path.name for path in (deployment.project.folder / "migrations").glob("*.sql"))
    applied = _applied(deployment)
    if ours[0] not in applied and _has_tables(deployment):
        yield Difference(
            lines=[f"the D1 database {deployment.wanted.database} holds tables that are not the edit queue's"],
            doing="take another --name, or delete that database if nobody needs it (Storage & databases > D1)",
            mend=None,
        )
    unknown = sorted(applied - set(ours))
    if unknown:
        yield Difference(
            lines=[f"D1 has the migration {unknown[0]}, which this checkout does not know"],
            doing="deploy from the newer checkout",
            mend=None,
        )
    missing = [name for name in ours if name not in applied]
    if missing:
        yield Difference(
            lines=[f"the migration {name} is not applied" for name in missing],
            doing=f"apply {len(missing)} migrations to D1",
            mend=lambda: _migrate(deployment),
        )


def _has_tables(deployment: Deployment) -> bool:
    """Besides those that D1, SQLite and wrangler keep for themselves."""
    if deployment.record.database_id is None:
        return False
    return bool(
        deployment.query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'd1_migrations' "
            "AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' LIMIT 1"
        )
    )


def _applied(deployment: Deployment) -> set[str]:
    if deployment.record.database_id is None:
        return set()
    if not deployment.query("SELECT name FROM sqlite_master WHERE name = 'd1_migrations'"):
        return set()
    return {row["name"] for row in deployment.query("SELECT name FROM d1_migrations")}


def _migrate(deployment: Deployment) -> None:
    write_private(deployment.project.config, deployment.configuration())
    deployment.wrangler("d1", "migrations", "apply", deployment.wanted.database, "--remote")
