"""What no setting can say by itself: which of them must go together."""

import re
from collections.abc import Iterator
from datetime import timedelta
from posixpath import normpath
from typing import Final
from urllib.parse import unquote, urlsplit

from editqueue.setting_patterns import CLOUDFLARE, d1_database_id, is_postgres, is_url, name_of
from editqueue.settings.model import Settings
from editqueue.settings.wording import FIELDS, example, given, kind_of

SHORTEST_SECRET: Final = 32
"""Bytes; HS256 asks for a key as long as its hash (RFC 7518, 3.2)."""
MARGIN: Final = timedelta(seconds=60)
"""A job must be aborted this long before it counts as stale."""
LONGEST_STALE: Final = 11 * 3600
"""Seconds, with Cloudflare Queues: a message is leased for 12 h at most, and a job must end within it."""


def problems_together(settings: Settings) -> Iterator[str]:
    """What is wrong with settings that do not go together, one line each."""
    if not _is_utf8(str(settings.data_dir)):
        yield f"EDITQUEUE_DATA_DIR is not text in UTF-8{example('EDITQUEUE_DATA_DIR')}"
        return  # URLs of database and bucket begin with it
    if settings.job_timeout + MARGIN.total_seconds() > settings.stale_after:
        yield (
            f"EDITQUEUE_JOB_TIMEOUT={settings.job_timeout:g} must end at least {MARGIN.total_seconds():g} s before "
            f"EDITQUEUE_STALE_AFTER={settings.stale_after:g}, or two consumers work on one job; for example 300 and 900"
        )
    yield from _secret(settings.given_jwt_secret)
    yield from _database(settings)
    if not settings.bucket_url.startswith("file:///"):
        yield from _s3(settings)
    elif not normpath(unquote(settings.bucket_url.removeprefix("file:"))).strip("/"):
        yield (
            f"EDITQUEUE_BUCKET_URL={settings.bucket_url} would be the root of this machine; give a folder of its own, "
            "for example EDITQUEUE_BUCKET_URL=file:///var/lib/editqueue/bucket"
        )
    yield from _cloudflare(settings)
    if settings.traces_endpoint is not None:  # what is meant for other programs may be as these want it
        yield from _traces(settings)
    if settings.queue == "cloudflare" and settings.stale_after > LONGEST_STALE:
        yield (
            f"EDITQUEUE_STALE_AFTER={settings.stale_after:g} is longer than Cloudflare leases a message; "
            f"with EDITQUEUE_QUEUE=cloudflare at most {LONGEST_STALE}{example('EDITQUEUE_STALE_AFTER')}"
        )


def _secret(secret: str | None) -> Iterator[str]:
    if secret is not None and not _is_utf8(secret):
        yield f"JWT_SECRET is not text in UTF-8{example('JWT_SECRET')}"
    elif secret is not None and len(secret.encode()) < SHORTEST_SECRET:
        yield f"JWT_SECRET has {len(secret.encode())} bytes, {SHORTEST_SECRET} are the least{example('JWT_SECRET')}"


def _is_utf8(text: str) -> bool:
    return text.encode(errors="replace").decode() == text


def _database(settings: Settings) -> Iterator[str]:
    url = settings.database_url
    if d1_database_id(url) is not None:
        if settings.queue == "local":
            yield (
                f"EDITQUEUE_QUEUE=local would ask {url} every second, and Cloudflare's API takes 4 questions a second "
                "for a token; give EDITQUEUE_QUEUE=cloudflare or none"
            )
    elif not (re.match(r"sqlite:///.", url) or is_postgres(url)) or not is_url(url):
        yield _must_be_its_kind("EDITQUEUE_DATABASE_URL", url)
    if settings.queue == "postgres" and not is_postgres(url):
        yield "EDITQUEUE_QUEUE=postgres needs a database on PostgreSQL; give EDITQUEUE_QUEUE=local"
    session_url = settings.database_session_url
    if session_url is not None and not (is_postgres(url) and is_postgres(session_url)):
        yield (
            "EDITQUEUE_DATABASE_SESSION_URL is another way to the database of EDITQUEUE_DATABASE_URL: both are "
            "postgresql://..., or leave it away" + example("EDITQUEUE_DATABASE_SESSION_URL")
        )


def _s3(settings: Settings) -> Iterator[str]:
    if not re.fullmatch(r"s3://[a-z0-9.-]+", settings.bucket_url):
        yield _must_be_its_kind("EDITQUEUE_BUCKET_URL", settings.bucket_url)
        return
    endpoint = settings.s3_endpoint
    if not (endpoint or settings.cloudflare_account_id):
        yield (
            "CLOUDFLARE_ACCOUNT_ID (for R2) or EDITQUEUE_S3_ENDPOINT is missing for "
            f"{settings.bucket_url}{example('EDITQUEUE_S3_ENDPOINT')}"
        )
    if endpoint is not None and settings.r2_jurisdiction is not None:
        yield (
            "R2_JURISDICTION is for the endpoint that follows from CLOUDFLARE_ACCOUNT_ID; "
            f"{given('EDITQUEUE_S3_ENDPOINT', endpoint)} says it all: give one of the two"
        )
    yield from _http_url("EDITQUEUE_S3_ENDPOINT", endpoint)
    for name, value in (
        ("R2_ACCESS_KEY_ID", settings.r2_access_key_id),
        ("R2_SECRET_ACCESS_KEY", settings.r2_secret_access_key),
    ):
        if not value:
            yield f"{name} is missing for {settings.bucket_url}: make an R2 API token"


def _cloudflare(settings: Settings) -> Iterator[str]:
    """Account, token and queue, where the queue or the database is Cloudflare's."""
    wanted_by = {"EDITQUEUE_QUEUE=cloudflare": [*CLOUDFLARE]} if settings.queue == "cloudflare" else {}
    if d1_database_id(settings.database_url) is not None:
        wanted_by[settings.database_url] = ["cloudflare_account_id", "cloudflare_api_token"]
    if not wanted_by:
        return
    for field in CLOUDFLARE:
        reasons = [reason for reason, fields in wanted_by.items() if field in fields]
        value, name = getattr(settings, field), name_of(field)
        pattern, kind = CLOUDFLARE[field]
        if reasons and value is None:
            yield f"{name} is missing for {reasons[0]}{example(name)}"
        elif reasons and not re.fullmatch(pattern, value):
            yield f"{given(name, value)} is not {kind}{example(name)}"
    yield from _http_url("CLOUDFLARE_BASE_URL", settings.cloudflare_base_url)


def _traces(settings: Settings) -> Iterator[str]:
    if settings.otel_traces_exporter not in {None, "otlp"}:
        yield _must_be_its_kind("OTEL_TRACES_EXPORTER", settings.otel_traces_exporter)
    for name, protocol in (
        ("OTEL_EXPORTER_OTLP_PROTOCOL", settings.otel_exporter_otlp_protocol),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", settings.otel_exporter_otlp_traces_protocol),
    ):
        if protocol not in {None, "http/protobuf"}:
            yield _must_be_its_kind(name, protocol)
    for name, url in (
        ("OTEL_EXPORTER_OTLP_ENDPOINT", settings.otel_exporter_otlp_endpoint),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", settings.otel_exporter_otlp_traces_endpoint),
    ):
        yield from _http_url(name, url)
        if url is not None and is_url(url) and (not urlsplit(url).hostname or "?" in url or "#" in url):
            yield f"{name} must name a host, without a query: keys go into OTEL_EXPORTER_OTLP_HEADERS{example(name)}"


def _http_url(name: str, value: str | None) -> Iterator[str]:
    if value is not None and not (re.match(r"https?://[^/\s]", value) and is_url(value)):
        yield f"{given(name, value)} must be a URL{example(name)}"


def _must_be_its_kind(name: str, value: object) -> str:
    return f"{given(name, value)}: must be {kind_of(FIELDS[name])}{example(name)}"
