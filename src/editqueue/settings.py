"""Settings from the environment: read and checked here and nowhere else, and nothing is made of them."""

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AliasGenerator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from editqueue.domain.errors import SetupError
from editqueue.ports import Limits
from editqueue.setting_patterns import CLOUDFLARE, d1_database_id, is_postgres, is_url, name_of

SHORTEST_SECRET = 32
"""Bytes; HS256 asks for a key as long as its hash (RFC 7518, 3.2)."""
MARGIN = timedelta(seconds=60)
"""A job must be aborted this long before it counts as stale."""
LONGEST = 7 * 24 * 3600
"""Seconds; the upper end of every duration, so that none overflows the calendar."""
LONGEST_STALE = 11 * 3600
"""Seconds, with Cloudflare Queues: a message is leased for 12 h at most, and a job must end within it."""


class Settings(BaseSettings):
    """Every setting, checked. Durations are in seconds, as in the environment.

    An error shows the first of a field's `examples`, else its default.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, alias_generator=AliasGenerator(validation_alias=name_of)
    )

    data_dir: Path = Path("./.editqueue")
    given_database_url: str | None = Field(None, examples=["postgresql://user:password@host/editqueue"])
    database_session_url: str | None = Field(None, examples=["postgresql://user:password@host/editqueue"])
    given_bucket_url: str | None = Field(None, examples=["s3://piximmo-media"])
    s3_endpoint: str | None = Field(None, examples=["http://127.0.0.1:8333"])
    r2_access_key_id: str | None = None
    r2_secret_access_key: str | None = Field(None, repr=False)
    r2_jurisdiction: Literal["eu", "fedramp"] | None = Field(None, examples=["eu"])
    cloudflare_account_id: str | None = Field(None, examples=["023e105f4ecef8ad9ca31a8372d0c353"])
    cloudflare_api_token: str | None = Field(
        None, repr=False, examples=["(an API token with the account permission Queues: Edit, and D1: Edit for d1://)"]
    )
    cloudflare_queue_id: str | None = Field(None, examples=["8f7e6d5c4b3a29181716151413121110"])
    cloudflare_base_url: str | None = Field(None, examples=["https://api.cloudflare.com/client/v4"])
    given_queue: Literal["local", "postgres", "cloudflare", "none"] | None = Field(None, examples=["local"])
    concurrency: int = Field(1, ge=1, le=64)
    job_timeout: float = Field(300, gt=0, le=LONGEST)
    stale_after: float = Field(900, gt=0, le=LONGEST)
    sweep_interval: float = Field(120, gt=0, le=LONGEST)
    sweep_batch: int = Field(10, ge=1, le=1000)
    max_retries: int = Field(3, ge=0, le=20)
    retention_days: float = Field(90, gt=0, le=36_500)
    metrics_port: int | None = Field(None, ge=1, le=65535, examples=[9464])
    metrics_host: str = "127.0.0.1"
    image_memory: int = Field(1536, ge=512, le=65_536)
    image_timeout: float = Field(30, gt=0, le=LONGEST)
    image_cpu: int = Field(30, ge=1, le=LONGEST)
    image_jobs: int = Field(500, ge=1)
    image_megapixels: int = Field(268, ge=1, le=4295)
    image_megapixels_whole: int = Field(100, ge=1, le=4295)
    image_megapixels_heif: int = Field(210, ge=1, le=4295)
    image_megapixels_clip: int = Field(36, ge=1, le=4295)
    given_jwt_secret: str | None = Field(None, repr=False, examples=["$(openssl rand -hex 32)"])
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), examples=["https://pix.immo,https://www.pix.immo"]
    )
    feature_production: bool = Field(False, examples=["false"])
    feature_gallery: bool = Field(False, examples=["false"])

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _may_be_off(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() == "off" else value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(origin.strip() for origin in value.split(",") if origin.strip()) if isinstance(value, str) else value
        )

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in value if not re.fullmatch(r"https?://[^/\s*]+", origin)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not an origin (scheme and host, no path, no *)")
        return value

    @field_validator("metrics_host")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            ip_address(value)
        except ValueError:
            raise ValueError(f"{value!r} is not an IP address") from None
        return value

    @property
    def embedded(self) -> bool:
        """True for the embedded default: own database file, own folder, own secret."""
        return self.given_database_url is None

    @property
    def database_url(self) -> str:
        return self.given_database_url or f"sqlite:///{quote(str(self.data_dir.absolute()))}/editqueue.db"

    @property
    def queue(self) -> Literal["local", "postgres", "cloudflare", "none"]:
        return self.given_queue or ("postgres" if is_postgres(self.database_url) else "local")

    @property
    def bucket_url(self) -> str:
        return self.given_bucket_url or (self.data_dir.absolute() / "bucket").as_uri()

    @property
    def limits(self) -> Limits:
        return Limits(
            job_timeout=timedelta(seconds=self.job_timeout),
            stale_after=timedelta(seconds=self.stale_after),
            sweep_batch=self.sweep_batch,
            max_retries=self.max_retries,
            retention=timedelta(days=self.retention_days),
        )


def load_settings() -> Settings:
    """The settings of this process. Raises SetupError naming the first wrong one, with an example."""
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue]  # filled from the environment
    except ValidationError as error:
        raise first_problem(error) from error
    check_together(settings)
    return settings


def first_problem(error: ValidationError) -> SetupError:
    first = error.errors()[0]
    name = str(first["loc"][0])
    return SetupError(f"{name}: {first['msg']}{_example(name)}")


def _example(name: str) -> str:
    field = next(field for key, field in Settings.model_fields.items() if name_of(key) == name)
    shown = field.examples[0] if field.examples else field.default
    return "" if shown is None else f", for example {name}={shown}"


def check_together(settings: Settings) -> None:
    """Raises SetupError for settings that do not go together."""
    if settings.job_timeout + MARGIN.total_seconds() > settings.stale_after:
        raise SetupError(
            f"EDITQUEUE_JOB_TIMEOUT={settings.job_timeout:g} must end at least {MARGIN.total_seconds():g} s before "
            f"EDITQUEUE_STALE_AFTER={settings.stale_after:g}, or two consumers work on one job; for example 300 and 900"
        )
    secret = settings.given_jwt_secret
    for name, text in (("EDITQUEUE_DATA_DIR", str(settings.data_dir)), ("JWT_SECRET", secret or "")):
        if not text.isascii() and text.encode(errors="replace").decode() != text:
            raise SetupError(f"{name} is not text in UTF-8{_example(name)}")
    if secret is not None and len(secret.encode()) < SHORTEST_SECRET:
        raise SetupError(
            f"JWT_SECRET has {len(secret.encode())} bytes, {SHORTEST_SECRET} are the least{_example('JWT_SECRET')}"
        )
    _check_database(settings)
    if not settings.bucket_url.startswith("file:///"):
        _check_s3(settings)
    if settings.queue == "cloudflare":
        _check_queue(settings)


def _check_database(settings: Settings) -> None:
    url = settings.database_url
    if d1_database_id(url) is not None:
        _check_cloudflare(settings, "cloudflare_account_id", "cloudflare_api_token", wanted_by=url)
        if settings.queue == "local":
            raise SetupError(
                f"EDITQUEUE_QUEUE=local would ask {url} every second, and Cloudflare's API takes 4 questions a second "
                "for a token; give EDITQUEUE_QUEUE=cloudflare or none"
            )
    elif not (re.match(r"sqlite:///.", url) or is_postgres(url)) or not is_url(url):
        raise SetupError(
            "EDITQUEUE_DATABASE_URL must be sqlite:///file, postgresql://host/name or d1://DATABASE_ID"
            + _example("EDITQUEUE_DATABASE_URL")
        )
    if settings.queue == "postgres" and not is_postgres(url):
        raise SetupError("EDITQUEUE_QUEUE=postgres needs a database on PostgreSQL; give EDITQUEUE_QUEUE=local")
    session_url = settings.database_session_url
    if session_url is not None and not (is_postgres(url) and is_postgres(session_url)):
        raise SetupError(
            "EDITQUEUE_DATABASE_SESSION_URL is another way to the database of EDITQUEUE_DATABASE_URL: both are "
            "postgresql://..., or leave it away" + _example("EDITQUEUE_DATABASE_SESSION_URL")
        )


def _check_s3(settings: Settings) -> None:
    if not re.fullmatch(r"s3://[a-z0-9.-]+", settings.bucket_url):
        raise SetupError(
            "EDITQUEUE_BUCKET_URL must be file:///folder or s3://bucket" + _example("EDITQUEUE_BUCKET_URL")
        )
    endpoint = settings.s3_endpoint
    if not (endpoint or settings.cloudflare_account_id):
        raise SetupError(
            "CLOUDFLARE_ACCOUNT_ID (for R2) or EDITQUEUE_S3_ENDPOINT is missing for "
            f"{settings.bucket_url}{_example('EDITQUEUE_S3_ENDPOINT')}"
        )
    if endpoint is not None and settings.r2_jurisdiction is not None:
        raise SetupError(
            "R2_JURISDICTION is for the endpoint that follows from CLOUDFLARE_ACCOUNT_ID; "
            f"EDITQUEUE_S3_ENDPOINT={endpoint} says it all: give one of the two"
        )
    _check_http_url("EDITQUEUE_S3_ENDPOINT", endpoint)
    for name, value in (
        ("R2_ACCESS_KEY_ID", settings.r2_access_key_id),
        ("R2_SECRET_ACCESS_KEY", settings.r2_secret_access_key),
    ):
        if not value:
            raise SetupError(f"{name} is missing for {settings.bucket_url}: make an R2 API token")


def _check_queue(settings: Settings) -> None:
    _check_cloudflare(settings, *CLOUDFLARE, wanted_by="EDITQUEUE_QUEUE=cloudflare")
    if settings.stale_after > LONGEST_STALE:
        raise SetupError(
            f"EDITQUEUE_STALE_AFTER={settings.stale_after:g} is longer than Cloudflare leases a message; "
            f"with EDITQUEUE_QUEUE=cloudflare at most {LONGEST_STALE}{_example('EDITQUEUE_STALE_AFTER')}"
        )


def _check_cloudflare(settings: Settings, *fields: str, wanted_by: str) -> None:
    for field in fields:
        value, name = getattr(settings, field), name_of(field)
        pattern, kind = CLOUDFLARE[field]
        if value is None:
            raise SetupError(f"{name} is missing for {wanted_by}{_example(name)}")
        if not re.fullmatch(pattern, value):
            raise SetupError(f"{name} is not {kind}{_example(name)}")
    _check_http_url("CLOUDFLARE_BASE_URL", settings.cloudflare_base_url)


def _check_http_url(name: str, value: str | None) -> None:
    if value is not None and not (re.match(r"https?://[^/\s]", value) and is_url(value)):
        raise SetupError(f"{name} must be a URL{_example(name)}")
