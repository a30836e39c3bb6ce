"""The two wrangler commands of a deployment, without Node: the same calls as wrangler makes, in its order.

For tests that run a deployment dozens of times. A test with the real one holds that both leave the same account.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True, kw_only=True)
class CallsOfWrangler:
    http: httpx.Client
    """With the token in its headers."""
    base_url: str
    config: Path

    def __call__(self, *arguments: str) -> None:
        config = json.loads(self.config.read_text(encoding="utf-8"))
        account = f"{self.base_url}/accounts/{config['account_id']}"
        if arguments[0] == "deploy":
            options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
            self._deploy(account, config, tag=options["--tag"], secrets=Path(options["--secrets-file"]))
        else:
            self._migrate(account, config["d1_databases"][0])

    def _migrate(self, account: str, database: Mapping[str, Any]) -> None:
        def query(sql: str) -> Any:
            answer = self._send("POST", f"{account}/d1/database/{database['database_id']}/query", json={"sql": sql})
            return answer[-1]["results"]

        query(
            "CREATE TABLE IF NOT EXISTS d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, "
            "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);"
        )
        applied = {row["name"] for row in query("SELECT * FROM d1_migrations")}
        for path in sorted((self.config.parent / database["migrations_dir"]).glob("*.sql")):
            if path.name not in applied:
                script = path.read_text(encoding="utf-8")
                query(f"{script}\nINSERT INTO d1_migrations (name) VALUES ('{path.name}');")

    def _deploy(self, account: str, config: Mapping[str, Any], *, tag: str, secrets: Path) -> None:
        worker = f"{account}/workers/scripts/{config['name']}"
        known = self.http.get(f"{worker}/deployments").is_success
        given = json.loads(secrets.read_text(encoding="utf-8"))
        metadata = {
            "main_module": "worker.py",
            "bindings": [*_bindings(config, given, inherit=known)],
            "compatibility_date": config["compatibility_date"],
            "compatibility_flags": config["compatibility_flags"],
            "keep_bindings": ["secret_text", "secret_key"],
            "annotations": {"workers/tag": tag},
            "observability": config["observability"],
        }
        upload = {"metadata": (None, json.dumps(metadata)), "worker.py": ("worker.py", b"", "text/x-python")}
        if known:
            version = self._send("POST", f"{worker}/versions", files=upload)["id"]
            deployment = {"strategy": "percentage", "versions": [{"percentage": 100, "version_id": version}]}
            self._send("POST", f"{worker}/deployments", json=deployment)
        else:
            self._send("PUT", worker, files=upload)
        self._send("POST", f"{worker}/subdomain", json={"enabled": True})
        self._send("PUT", f"{worker}/schedules", json=[{"cron": cron} for cron in config["triggers"]["crons"]])
        self._consume(account, config)

    def _consume(self, account: str, config: Mapping[str, Any]) -> None:
        [consumer] = config["queues"]["consumers"]
        [queue] = self._send("GET", f"{account}/queues", params={"name": consumer["queue"]})
        body = {
            "type": "worker",
            "script_name": config["name"],
            "dead_letter_queue": consumer["dead_letter_queue"],
            "settings": {
                "batch_size": consumer["max_batch_size"],
                "max_retries": consumer["max_retries"],
                "max_wait_time_ms": 1000 * consumer["max_batch_timeout"],
                "max_concurrency": consumer["max_concurrency"],
            },
        }
        consumers = f"{account}/queues/{queue['queue_id']}/consumers"
        if queue["consumers"]:
            self._send("PUT", f"{consumers}/{queue['consumers'][0]['consumer_id']}", json=body)
        else:
            self._send("POST", consumers, json=body)

    def _send(self, method: str, url: str, **parts: Any) -> Any:
        answer = self.http.request(method, url, **parts)
        if not answer.is_success:
            raise AssertionError(f"{method} {url}: {answer.text}")
        return answer.json()["result"]


def _bindings(config: Mapping[str, Any], secrets: Mapping[str, str], *, inherit: bool) -> list[dict[str, Any]]:
    [database], [bucket] = config["d1_databases"], config["r2_buckets"]
    [producer] = config["queues"]["producers"]
    place = {} if "jurisdiction" not in bucket else {"jurisdiction": bucket["jurisdiction"]}
    missing = [name for name in config["secrets"]["required"] if name not in secrets] if inherit else []
    return [
        *({"name": name, "type": "plain_text", "text": text} for name, text in config["vars"].items()),
        *({"name": name, "type": "secret_text", "text": text} for name, text in secrets.items()),
        *({"name": name, "type": "inherit"} for name in missing),
        {"name": producer["binding"], "type": "queue", "queue_name": producer["queue"]},
        {"name": bucket["binding"], "type": "r2_bucket", "bucket_name": bucket["bucket_name"], **place},
        {"name": database["binding"], "type": "d1", "id": database["database_id"]},
        {"name": config["images"]["binding"], "type": "images"},
    ]
