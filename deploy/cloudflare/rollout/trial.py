"""The photo at the end: what a customer does, once, with an order of its own."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pyvips  # pyright: ignore[reportMissingTypeStubs]

from deploy.cloudflare.rollout.api import NotThere
from deploy.cloudflare.rollout.customer import MIME, Customer
from deploy.cloudflare.rollout.deployment import Deployment
from deploy.cloudflare.rollout.parts.bucket import bucket_path, jurisdiction
from deploy.cloudflare.rollout.parts.subdomain import find_subdomain
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.secret_values import JWT_SECRET
from editqueue.domain.keys import ObjectKeys
from editqueue.domain.preview_spec import LONG_EDGE
from editqueue.entrypoints.http.auth import issue_token

USER = "editqueue-deployment-trial"
TABLES = ("notifications", "edit_jobs", "files", "uploads", "orders")
"""Those that point to others first."""
SIGNED_IN = timedelta(minutes=30)
WIDTH, HEIGHT = 1600, 1000


@dataclass(frozen=True, kw_only=True)
class Trial:
    link: str
    """The preview's signed URL, good for five minutes while the trial order stays."""
    seconds: float
    """From submit to preview."""


def try_a_photo(deployment: Deployment) -> Trial:
    """Raises Problem; its order then stays, and the next trial removes it."""
    forget_trials(deployment)
    url = address(deployment)
    order_id = _open_order(deployment)
    customer = Customer(
        http=deployment.customers_http,
        url=url,
        token=_token(deployment),
        pause=deployment.pause,
        clock=deployment.clock,
    )
    customer.wait_for_the_worker()
    file_id = customer.upload(_photo(), order_id=order_id)
    began = deployment.clock()
    link = customer.edit(file_id, order_id=order_id)
    seconds = deployment.clock() - began
    _check(customer.fetch(link))
    return Trial(link=link, seconds=seconds)


def address(deployment: Deployment) -> str:
    """Where the Worker answers."""
    return deployment.record.url or f"https://{deployment.wanted.name}.{find_subdomain(deployment)}.workers.dev"


def forget_trials(deployment: Deployment) -> bool:
    """Whether there was one. Objects go before rows, so that a cut off run finds them again."""
    keys = deployment.query(
        "SELECT object_key FROM files WHERE user_id = ? UNION SELECT object_key FROM uploads WHERE user_id = ?",
        USER,
        USER,
    )
    for row in keys:
        names = ObjectKeys.from_raw(row["object_key"])
        for key in (names.raw, names.processed, names.preview):
            _remove(deployment, key)
    left = bool(deployment.query("SELECT id FROM orders WHERE user_id = ?", USER))
    if left:
        rows = [{"sql": f"DELETE FROM {table} WHERE user_id = ?", "params": [USER]} for table in TABLES]  # noqa: S608  # names of ours
        path = f"{deployment.account}/d1/database/{deployment.record.database_id}/query"
        deployment.api.call("POST", path, body={"batch": rows})
    return left


def _remove(deployment: Deployment, key: str) -> None:
    try:
        deployment.api.call(
            "DELETE", f"{bucket_path(deployment)}/objects/{quote(key)}", headers=jurisdiction(deployment)
        )
    except NotThere:
        return


def _open_order(deployment: Deployment) -> str:
    order_id = str(uuid.uuid4())
    deployment.query(
        "INSERT INTO orders (id, user_id, title, shootcode, last_index, created_at) "
        "VALUES (?, ?, 'Deployment trial', ?, 0, unixepoch() * 1000)",
        *(order_id, USER, secrets.token_hex(3).upper()),
    )
    return order_id


def _token(deployment: Deployment) -> str:
    secret = deployment.secrets.value(JWT_SECRET)
    if secret is None:
        raise Problem("the Worker's JWT_SECRET is not known here: give it in the environment, and a photo is tried")
    return issue_token(USER, secret=secret, now=datetime.now(UTC), ttl=SIGNED_IN)


def _photo() -> bytes:
    """A picture larger than its preview."""
    image: Any = pyvips.Image.xyz(WIDTH, HEIGHT)
    return (image % 256).cast("uchar").bandjoin(128).copy(interpretation="srgb").jpegsave_buffer(Q=85)


def _check(preview: httpx.Response) -> None:
    """Raises Problem unless it is what a customer should see."""
    if preview.headers.get("content-type") != MIME:
        raise Problem(f"the preview is {preview.headers.get('content-type')}, not {MIME}")
    try:
        image: Any = pyvips.Image.new_from_buffer(preview.content, "")
    except pyvips.Error as error:
        raise Problem(f"the preview of {len(preview.content)} bytes is no picture ({error})") from error
    if max(image.width, image.height) != LONG_EDGE:
        raise Problem(
            f"the preview has {image.width} x {image.height} px, a plain copy of the photo: switch on Images > "
            "Transformations in the dashboard, then run the command again"
        )
