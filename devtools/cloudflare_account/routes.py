"""The calls that the stand-in answers: where, with which right, and by which published schema its body is checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cloudflare.types.accounts.token_create_params import TokenCreateParams
from cloudflare.types.d1.database_create_params import DatabaseCreateParams
from cloudflare.types.d1.database_query_params import DatabaseQueryParams
from cloudflare.types.queues.consumer_create_params import ConsumerCreateParams
from cloudflare.types.queues.consumer_update_params import ConsumerUpdateParams
from cloudflare.types.queues.queue_create_params import QueueCreateParams
from cloudflare.types.r2.bucket_create_params import BucketCreateParams
from cloudflare.types.r2.buckets.cors_update_params import CORSUpdateParams
from cloudflare.types.r2.buckets.lifecycle_update_params import LifecycleUpdateParams
from cloudflare.types.workers import script_update_params
from cloudflare.types.workers.scripts import schedule_update_params
from cloudflare.types.workers.scripts.deployment_create_params import DeploymentCreateParams
from cloudflare.types.workers.scripts.setting_edit_params import SettingEditParams
from cloudflare.types.workers.scripts.subdomain_create_params import SubdomainCreateParams
from cloudflare.types.workers.subdomain_update_params import SubdomainUpdateParams

from devtools.cloudflare_account.call import Call
from devtools.cloudflare_account.d1 import D1
from devtools.cloudflare_account.queues import Queues
from devtools.cloudflare_account.r2 import R2
from devtools.cloudflare_account.tokens import Tokens
from devtools.cloudflare_account.workers import Workers

D1_RIGHT, R2_RIGHT, QUEUES_RIGHT = "D1", "Workers R2 Storage", "Queues"
WORKERS_RIGHT, TOKENS_RIGHT, SETTINGS_RIGHT = "Workers Scripts", "Account API Tokens", "Account Settings"
RIGHTS = frozenset({D1_RIGHT, R2_RIGHT, QUEUES_RIGHT, WORKERS_RIGHT, TOKENS_RIGHT, SETTINGS_RIGHT})
"""As the dashboard names them; all of them to edit, but Account Settings, which is read."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    method: str
    path: str
    right: str
    answer: Callable[[Call], Any]
    schema: Any = None
    """None: no published schema has a body for it, and none is taken."""
    changes: bool = True
    """Whether the call changes the account, if its method is not GET."""


def endpoints(*, d1: D1, r2: R2, queues: Queues, tokens: Tokens, workers: Workers) -> list[Endpoint]:
    return [*_d1(d1), *_r2(r2), *_queues(queues), *_tokens(tokens), *_workers(workers)]


def _d1(d1: D1) -> list[Endpoint]:
    database = "/d1/database/{database}"
    return [
        Endpoint(method="GET", path="/d1/database", right=D1_RIGHT, answer=d1.find),
        Endpoint(method="POST", path="/d1/database", right=D1_RIGHT, answer=d1.create, schema=DatabaseCreateParams),
        Endpoint(method="GET", path=database, right=D1_RIGHT, answer=d1.get),
        Endpoint(method="POST", path=f"{database}/query", right=D1_RIGHT, answer=d1.query, schema=DatabaseQueryParams),
    ]


def _r2(r2: R2) -> list[Endpoint]:
    bucket = "/r2/buckets/{bucket}"
    return [
        Endpoint(method="POST", path="/r2/buckets", right=R2_RIGHT, answer=r2.create, schema=BucketCreateParams),
        Endpoint(method="GET", path=bucket, right=R2_RIGHT, answer=r2.get),
        Endpoint(method="GET", path=f"{bucket}/cors", right=R2_RIGHT, answer=r2.cors),
        Endpoint(method="PUT", path=f"{bucket}/cors", right=R2_RIGHT, answer=r2.set_cors, schema=CORSUpdateParams),
        Endpoint(method="GET", path=f"{bucket}/lifecycle", right=R2_RIGHT, answer=r2.lifecycle),
        Endpoint(
            method="PUT",
            path=f"{bucket}/lifecycle",
            right=R2_RIGHT,
            answer=r2.set_lifecycle,
            schema=LifecycleUpdateParams,
        ),
        Endpoint(method="DELETE", path=f"{bucket}/objects/{{key:path}}", right=R2_RIGHT, answer=r2.remove_object),
    ]


def _queues(queues: Queues) -> list[Endpoint]:
    queue = "/queues/{queue}"
    return [
        Endpoint(method="GET", path="/queues", right=QUEUES_RIGHT, answer=queues.find),
        Endpoint(method="POST", path="/queues", right=QUEUES_RIGHT, answer=queues.create, schema=QueueCreateParams),
        Endpoint(method="GET", path=queue, right=QUEUES_RIGHT, answer=queues.get),
        Endpoint(
            method="POST",
            path=f"{queue}/consumers",
            right=QUEUES_RIGHT,
            answer=queues.add_consumer,
            schema=ConsumerCreateParams,
        ),
        Endpoint(
            method="PUT",
            path=f"{queue}/consumers/{{consumer}}",
            right=QUEUES_RIGHT,
            answer=queues.set_consumer,
            schema=ConsumerUpdateParams,
        ),
    ]


def _tokens(tokens: Tokens) -> list[Endpoint]:
    return [
        Endpoint(method="GET", path="/tokens/permission_groups", right=TOKENS_RIGHT, answer=tokens.groups),
        Endpoint(method="GET", path="/tokens", right=TOKENS_RIGHT, answer=tokens.find),
        Endpoint(method="POST", path="/tokens", right=TOKENS_RIGHT, answer=tokens.create, schema=TokenCreateParams),
        Endpoint(method="PUT", path="/tokens/{token}/value", right=TOKENS_RIGHT, answer=tokens.roll, schema=object),
    ]


def _workers(workers: Workers) -> list[Endpoint]:
    script = "/workers/scripts/{script}"

    def of_workers(method: str, path: str, answer: Callable[[Call], Any], schema: Any = None) -> Endpoint:
        return Endpoint(method=method, path=path, right=WORKERS_RIGHT, answer=answer, schema=schema)

    return [
        of_workers("GET", "/workers/subdomain", workers.get_subdomain),
        of_workers("PUT", "/workers/subdomain", workers.set_subdomain, SubdomainUpdateParams),
        of_workers("GET", "/workers/services/{script}", workers.service),
        of_workers("PUT", script, workers.upload, script_update_params.Metadata),
        of_workers("POST", f"{script}/versions", workers.upload_version, script_update_params.Metadata),
        of_workers("GET", f"{script}/versions/{{version}}", workers.version),
        of_workers("GET", f"{script}/deployments", workers.deployments),
        of_workers("POST", f"{script}/deployments", workers.deploy, DeploymentCreateParams),
        of_workers("GET", f"{script}/settings", workers.settings),
        of_workers("GET", f"{script}/secrets", workers.secrets),
        of_workers("GET", f"{script}/schedules", workers.crons),
        of_workers("PUT", f"{script}/schedules", workers.set_crons, list[schedule_update_params.Body]),
        of_workers("GET", f"{script}/subdomain", workers.on_workers_dev),
        of_workers("POST", f"{script}/subdomain", workers.set_on_workers_dev, SubdomainCreateParams),
        of_workers("PATCH", f"{script}/script-settings", workers.set_script_settings, SettingEditParams),
    ]
