"""The client of an S3 bucket and what its errors mean, for the consumer and its image workers alike."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from obstore.exceptions import PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from editqueue.adapters.bucket.s3.urls import checked_endpoint
from editqueue.domain.errors import EditQueueError, ObjectMissing, PermanentError, StorageUnavailable

_STATUS: Final = re.compile(r"status(?: code)?:? ([1-5]\d\d)")
"""In what obstore says; a list that is denied comes without the error class that other calls have."""
_MAY_PASS: Final = frozenset({408, 429})
"""Of the client errors. All others come again, as do redirects to another region and "not implemented" (501)."""
_CLOCKS_DIFFER: Final = ("RequestTimeTooSkewed", "RequestExpired")
"""The codes of S3 for a signature from another time than the server's."""
FIRST_PAUSE: Final = timedelta(milliseconds=200)
"""Before the first retry; each further one is twice as long, up to `longest_pause`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Client:
    """How to reach a bucket. Raises SetupError for an endpoint that is not https (http is for this machine only).

    `timeout` ends one request, its body included; a call is at most `1 + max_retries` of them, with
    `longest_pause` between two.
    """

    bucket: str
    endpoint: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "auto"
    timeout: timedelta = timedelta(seconds=60)
    max_retries: int = 2
    longest_pause: timedelta = timedelta(seconds=2)
    retry_timeout: timedelta | None = None
    """After the start of a call no retry begins later than this; None: `max_retries` alone ends it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", checked_endpoint(self.endpoint))

    @property
    def longest_call(self) -> timedelta:
        if self.retry_timeout is not None:
            return self.retry_timeout + self.timeout
        return (1 + self.max_retries) * self.timeout + self.max_retries * self.longest_pause

    def open(self) -> S3Store:
        return S3Store(
            self.bucket,
            # Whatever is not said here, obstore takes from AWS_* variables, which are other tools'.
            config={
                "endpoint": self.endpoint,
                "region": self.region,
                "skip_signature": False,
                "s3_express": False,
                "virtual_hosted_style_request": False,
                "disable_bulk_delete": True,  # single DELETEs are free on R2 and need no checksum header
            },
            client_options={
                "allow_http": self.endpoint.startswith("http://"),
                "connect_timeout": min(timedelta(seconds=5), self.timeout),
                "timeout": self.timeout,
            },
            retry_config={
                "max_retries": self.max_retries,
                "retry_timeout": self.retry_timeout or (1 + self.max_retries) * (self.timeout + self.longest_pause),
                "backoff": {
                    "init_backoff": min(FIRST_PAUSE, self.longest_pause),
                    "max_backoff": self.longest_pause,
                    "base": 2,
                },
            },
            # Not as config: beside that, obstore would take AWS_SESSION_TOKEN from the environment.
            credential_provider=lambda: {
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key,
                "expires_at": None,
            },
        )

    def translate(self, error: Exception, key: str) -> EditQueueError:
        return self.error_for(_status_of(error), str(error), key, missing=isinstance(error, FileNotFoundError))

    def error_for(self, status: int | None, said: str, key: str, *, missing: bool) -> EditQueueError:
        """Our error for an answer about `key`, of which the first line is shown; without a status, for none."""
        what = f"bucket {self.bucket!r} at {self.endpoint} cannot serve {key!r}"
        r2 = self.endpoint.endswith(".r2.cloudflarestorage.com")
        if "NoSuchBucket" in said:
            hint = ", and R2_JURISDICTION if the bucket has one" if r2 else ""
            return PermanentError(f"{what}: there is no such bucket. Check EDITQUEUE_BUCKET_URL{hint}.")
        if missing:
            return ObjectMissing(key)
        if status == HTTPStatus.PRECONDITION_FAILED:
            return StorageUnavailable(f"{key} was replaced while it was read")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return _denied(what, said)
        reason = said.partition("\n")[0].strip()
        if comes_again(status):
            return PermanentError(f"{what}: {reason}")
        named = "CLOUDFLARE_ACCOUNT_ID, R2_JURISDICTION and the network" if r2 else "EDITQUEUE_S3_ENDPOINT"
        return StorageUnavailable(f"{what}: {reason}. If it stays so, check {named}.")


def comes_again(status: int | None) -> bool:
    """Whether an answer would be the same if the request were sent again; none at all may be another next time."""
    if status is None or status in _MAY_PASS:
        return False
    return 300 <= status < 500 or status == HTTPStatus.NOT_IMPLEMENTED


def _denied(what: str, said: str) -> EditQueueError:
    if any(code in said for code in _CLOCKS_DIFFER):
        return StorageUnavailable(f"{what}: the clock of this machine is off. Set it by NTP (see timedatectl).")
    return PermanentError(
        f"{what}: access denied. Check R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, and that the "
        "token may read and write the bucket of EDITQUEUE_BUCKET_URL."
    )


def _status_of(error: Exception) -> int | None:
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        return HTTPStatus.FORBIDDEN
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None
