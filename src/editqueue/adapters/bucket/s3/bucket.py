"""The bucket on S3: Cloudflare R2, or any server that speaks it.

No ACL header is ever sent: R2 has none, and a copy is as private as its bucket.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import obstore
from obstore.exceptions import PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from editqueue.adapters.bucket.reads import ReadsObjects, first_line, sorted_errors
from editqueue.adapters.bucket.s3.sigv4 import Credentials
from editqueue.adapters.bucket.s3.urls import S3Urls, checked_endpoint, r2_endpoint
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.domain.errors import EditQueueError, PermanentError, StorageUnavailable
from editqueue.ports.bucket import SignedPut
from editqueue.ports.time import Clock

__all__ = ["S3Bucket", "r2_endpoint"]
_DENIED: Final = re.compile(r"status(?: code)?:? 40[13]")
"""A list that is denied comes without the error class that other calls have."""
_REFUSED: Final = re.compile(r"status(?: code)?:? (?:3\d\d|501|4(?!08|29)\d\d)")
"""Answers that come again: redirects to another region, client errors but 408 and 429, "not implemented"."""


class S3Bucket(ReadsObjects):
    """Raises SetupError for an endpoint that is not https (http is for this machine only).

    `list` comes in the server's order: on S3 and R2 that is key order, SeaweedFS walks its folders.
    `timeout` ends one request; a call is at most `1 + max_retries` of them, with `longest_pause` between two.
    """

    def __init__(
        self,
        *,
        name: str,
        endpoint: str,
        access_key_id: str,
        secret_access_key: str,
        clock: Clock,
        region: str = "auto",
        timeout: timedelta = timedelta(seconds=60),
        max_retries: int = 2,
        longest_pause: timedelta = timedelta(seconds=2),
    ) -> None:
        self._endpoint = checked_endpoint(endpoint)
        credentials = Credentials(access_key_id=access_key_id, secret_access_key=secret_access_key, region=region)
        self._urls = S3Urls(endpoint=self._endpoint, bucket=name, credentials=credentials, clock=clock)
        store = S3Store(
            name,
            config={
                "endpoint": self._endpoint,
                "region": region,
                "skip_signature": False,
                "s3_express": False,
                "virtual_hosted_style_request": False,
                "disable_bulk_delete": True,  # single DELETEs are free on R2 and need no checksum header
            },
            client_options={
                "allow_http": self._endpoint.startswith("http://"),
                "connect_timeout": min(timedelta(seconds=5), timeout),
                "timeout": timeout,
            },
            retry_config={
                "max_retries": max_retries,
                "retry_timeout": (1 + max_retries) * (timeout + longest_pause),  # never the first to end a call
                "backoff": {
                    "init_backoff": min(timedelta(milliseconds=200), longest_pause),
                    "max_backoff": longest_pause,
                    "base": 2,
                },
            },
            # Not as config: beside that, obstore would take AWS_SESSION_TOKEN from the environment.
            credential_provider=lambda: {
                "access_key_id": access_key_id,
                "secret_access_key": secret_access_key,
                "expires_at": None,
            },
        )
        self._s3 = store
        super().__init__(store, name=name, sorter=self._sort)

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        attributes: obstore.Attributes = {"Content-Type": content_type}
        with sorted_errors(check_key(key), self._sort):
            await obstore.put_async(self._s3, key, body, attributes=attributes, use_multipart=False)

    async def copy(self, source: str, target: str) -> int:
        with sorted_errors(check_key(source), self._sort):
            await obstore.copy_async(self._s3, source, check_key(target))
        return (await self.head(target)).size

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        with sorted_errors(", ".join(keys), self._sort):
            await obstore.delete_async(self._s3, keys)

    async def sign_get(self, key: str, *, expires_in: timedelta) -> str:
        return self._urls.sign_get(key, expires_in=expires_in)

    async def sign_put(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,  # noqa: ARG002  # S3 cannot bind a largest size; finalize looks at the object
        expires_in: timedelta,
    ) -> SignedPut:
        return self._urls.sign_put(key, content_type=content_type, expires_in=expires_in)

    async def remove_leftovers(self, *, before: datetime) -> int:  # noqa: ARG002
        """Nothing to do: a PUT appears whole or not at all, and no multipart upload is ever begun."""
        return 0

    async def close(self) -> None:
        pass

    def _hint(self) -> str:
        return (
            ", and R2_JURISDICTION if the bucket has one"
            if self._endpoint.endswith(".r2.cloudflarestorage.com")
            else ""
        )

    def _sort(self, error: Exception, key: str) -> EditQueueError:
        what = f"bucket {self.name!r} at {self._endpoint} cannot serve {key!r}"
        if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or _DENIED.search(str(error)):
            return PermanentError(
                f"{what}: access denied. Check R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, and that the "
                "token may read and write the bucket of EDITQUEUE_BUCKET_URL."
            )
        if "NoSuchBucket" in str(error):
            return PermanentError(f"{what}: there is no such bucket. Check EDITQUEUE_BUCKET_URL{self._hint()}.")
        if isinstance(error, ValueError) or _REFUSED.search(str(error)):
            return PermanentError(f"{what}: {first_line(error)}")
        return StorageUnavailable(f"{what}: {first_line(error)}. If it stays so, check EDITQUEUE_S3_ENDPOINT.")
