"""Settings from the environment: read here and nowhere else."""

import contextlib
import os
import re
import secrets
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from editqueue.domain.errors import SetupError
from editqueue.ports import Limits

SHORTEST_SECRET = 32
"""Bytes; HS256 asks for a key as long as its hash (RFC 7518, 3.2)."""
MARGIN = timedelta(seconds=60)
"""A job must be aborted this long before it counts as stale."""
LONGEST = 7 * 24 * 3600
"""Seconds; the upper end of every duration, so that none overflows the calendar."""
LONGEST_STALE = 11 * 3600
"""Seconds, with Cloudflare Queues: a message is leased for 12 h at most, and a job must end within it."""
_REMEDY = "give JWT_SECRET, for example JWT_SECRET=$(openssl rand -hex 32)"
_EXAMPLES = {
    "EDITQUEUE_DATABASE_URL": "postgresql://user:password@host/editqueue",
    "EDITQUEUE_BUCKET_URL": "s3://piximmo-media",
    "R2_JURISDICTION": "eu",
    "EDITQUEUE_QUEUE": "local",
    "EDITQUEUE_CONCURRENCY": "1",
    "EDITQUEUE_JOB_TIMEOUT": "300",
    "EDITQUEUE_STALE_AFTER": "900",
    "EDITQUEUE_SWEEP_INTERVAL": "120",
    "EDITQUEUE_SWEEP_BATCH": "10",
    "EDITQUEUE_MAX_RETRIES": "3",
    "EDITQUEUE_RETENTION_DAYS": "90",
    "EDITQUEUE_METRICS_PORT": "9464",
    "EDITQUEUE_METRICS_HOST": "127.0.0.1",
    "CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353",
    "CLOUDFLARE_QUEUE_ID": "8f7e6d5c4b3a29181716151413121110",
    "CLOUDFLARE_API_TOKEN": "(an API token with the account permission Queues: Edit)",
    "CLOUDFLARE_BASE_URL": "https://api.cloudflare.com/client/v4",
    "EDITQUEUE_IMAGE_MEMORY": "1536",
    "EDITQUEUE_IMAGE_TIMEOUT": "30",
    "EDITQUEUE_IMAGE_CPU": "30",
    "EDITQUEUE_IMAGE_JOBS": "500",
    "EDITQUEUE_IMAGE_MEGAPIXELS": "268",
    "EDITQUEUE_IMAGE_MEGAPIXELS_WHOLE": "100",
    "EDITQUEUE_IMAGE_MEGAPIXELS_HEIF": "210",
    "EDITQUEUE_IMAGE_MEGAPIXELS_CLIP": "36",
    "ALLOWED_ORIGINS": "https://pix.immo,https://www.pix.immo",
    "FEATURE_PRODUCTION": "false",
    "FEATURE_GALLERY": "false",
}


def _named(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(BaseSettings):
    """Every setting, checked. Durations are in seconds, as in the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path("./.editqueue"), validation_alias=_named("EDITQUEUE_DATA_DIR"))
    given_database_url: str | None = Field(None, validation_alias=_named("EDITQUEUE_DATABASE_URL"))
    given_bucket_url: str | None = Field(None, validation_alias=_named("EDITQUEUE_BUCKET_URL"))
    s3_endpoint: str | None = Field(None, validation_alias=_named("EDITQUEUE_S3_ENDPOINT"))
    r2_access_key_id: str | None = Field(None, validation_alias=_named("R2_ACCESS_KEY_ID"))
    r2_secret_access_key: str | None = Field(None, validation_alias=_named("R2_SECRET_ACCESS_KEY"), repr=False)
    cloudflare_account_id: str | None = Field(None, validation_alias=_named("CLOUDFLARE_ACCOUNT_ID"))
    cloudflare_api_token: str | None = Field(None, validation_alias=_named("CLOUDFLARE_API_TOKEN"), repr=False)
    cloudflare_queue_id: str | None = Field(None, validation_alias=_named("CLOUDFLARE_QUEUE_ID"))
    cloudflare_base_url: str | None = Field(None, validation_alias=_named("CLOUDFLARE_BASE_URL"))
    r2_jurisdiction: Literal["eu", "fedramp"] | None = Field(None, validation_alias=_named("R2_JURISDICTION"))
    queue: Literal["local", "cloudflare", "none"] = Field("local", validation_alias=_named("EDITQUEUE_QUEUE"))
    concurrency: int = Field(1, ge=1, le=64, validation_alias=_named("EDITQUEUE_CONCURRENCY"))
    job_timeout: float = Field(300, gt=0, le=LONGEST, validation_alias=_named("EDITQUEUE_JOB_TIMEOUT"))
    stale_after: float = Field(900, gt=0, le=LONGEST, validation_alias=_named("EDITQUEUE_STALE_AFTER"))
    sweep_interval: float = Field(120, gt=0, le=LONGEST, validation_alias=_named("EDITQUEUE_SWEEP_INTERVAL"))
    sweep_batch: int = Field(10, ge=1, le=1000, validation_alias=_named("EDITQUEUE_SWEEP_BATCH"))
    max_retries: int = Field(3, ge=0, le=20, validation_alias=_named("EDITQUEUE_MAX_RETRIES"))
    retention_days: float = Field(90, gt=0, le=36_500, validation_alias=_named("EDITQUEUE_RETENTION_DAYS"))
    metrics_port: int | None = Field(None, ge=1, le=65535, validation_alias=_named("EDITQUEUE_METRICS_PORT"))
    image_memory: int = Field(1536, ge=512, le=65_536, validation_alias=_named("EDITQUEUE_IMAGE_MEMORY"))
    image_timeout: float = Field(30, gt=0, le=LONGEST, validation_alias=_named("EDITQUEUE_IMAGE_TIMEOUT"))
    image_cpu: int = Field(30, ge=1, le=LONGEST, validation_alias=_named("EDITQUEUE_IMAGE_CPU"))
    image_jobs: int = Field(500, ge=1, validation_alias=_named("EDITQUEUE_IMAGE_JOBS"))
    image_megapixels: int = Field(268, ge=1, le=4295, validation_alias=_named("EDITQUEUE_IMAGE_MEGAPIXELS"))
    image_megapixels_whole: int = Field(100, ge=1, le=4295, validation_alias=_named("EDITQUEUE_IMAGE_MEGAPIXELS_WHOLE"))
    image_megapixels_heif: int = Field(210, ge=1, le=4295, validation_alias=_named("EDITQUEUE_IMAGE_MEGAPIXELS_HEIF"))
    image_megapixels_clip: int = Field(36, ge=1, le=4295, validation_alias=_named("EDITQUEUE_IMAGE_MEGAPIXELS_CLIP"))
    metrics_host: str = Field("127.0.0.1", validation_alias=_named("EDITQUEUE_METRICS_HOST"))
    given_jwt_secret: str | None = Field(None, validation_alias=_named("JWT_SECRET"), repr=False)
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias=_named("ALLOWED_ORIGINS"))
    feature_production: bool = Field(False, validation_alias=_named("FEATURE_PRODUCTION"))
    feature_gallery: bool = Field(False, validation_alias=_named("FEATURE_GALLERY"))

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _may_be_off(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() == "off" else value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [one for one in value if not re.fullmatch(r"https?://[^/\s*]+", one)]
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

    def jwt_secret(self) -> str:
        """The secret; made and kept in the data dir for the embedded default. Raises SetupError."""
        if self.given_jwt_secret is not None:
            return self.given_jwt_secret
        if self.embedded:
            return _kept_secret(self.prepared_data_dir() / "jwt_secret")
        raise SetupError(
            "JWT_SECRET is missing: with a database of your own, give the secret of your shop, "
            f"at least {SHORTEST_SECRET} characters, for example JWT_SECRET=$(openssl rand -hex 32)"
        )

    def prepared_data_dir(self) -> Path:
        """The data dir, made if need be. Raises SetupError when it cannot be written."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.data_dir / f".probe-{secrets.token_hex(8)}"  # two containers may share a process id
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
        except OSError as error:
            raise SetupError(
                f"EDITQUEUE_DATA_DIR={self.data_dir}: {error.strerror}; "
                "free space or choose a folder you may write, for example EDITQUEUE_DATA_DIR=/var/lib/editqueue"
            ) from error
        return self.data_dir


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
    return f", for example {name}={_EXAMPLES[name]}" if name in _EXAMPLES else ""


def check_together(settings: Settings) -> None:
    """Raises SetupError for settings that do not go together."""
    if settings.job_timeout + MARGIN.total_seconds() > settings.stale_after:
        raise SetupError(
            f"EDITQUEUE_JOB_TIMEOUT={settings.job_timeout:g} must end at least {MARGIN.total_seconds():g} s before "
            f"EDITQUEUE_STALE_AFTER={settings.stale_after:g}, or two consumers work on one job; for example 300 and 900"
        )
    secret = settings.given_jwt_secret
    if secret is not None and len(secret.encode()) < SHORTEST_SECRET:
        raise SetupError(
            f"JWT_SECRET has {len(secret.encode())} bytes, {SHORTEST_SECRET} are the least, "
            "for example JWT_SECRET=$(openssl rand -hex 32)"
        )
    _check_database(settings)
    _check_bucket(settings)
    if settings.queue == "cloudflare":
        _check_queue(settings)


def _check_database(settings: Settings) -> None:
    if not re.match(r"(sqlite:///|postgres(ql)?://).", settings.database_url) or not _is_url(settings.database_url):
        raise SetupError(
            "EDITQUEUE_DATABASE_URL must be sqlite:///file or postgresql://host/name"
            + _example("EDITQUEUE_DATABASE_URL")
        )
    _check_options(settings.database_url)


def _check_options(url: str) -> None:
    for mode in parse_qs(urlsplit(url).query).get("sslmode", []):
        raise SetupError(f"EDITQUEUE_DATABASE_URL: sslmode is called ssl here, for example postgresql://...?ssl={mode}")


def _check_bucket(settings: Settings) -> None:
    if settings.bucket_url.startswith("file:///"):
        return
    if not re.fullmatch(r"s3://[a-z0-9.-]+", settings.bucket_url):
        raise SetupError(
            "EDITQUEUE_BUCKET_URL must be file:///folder or s3://bucket" + _example("EDITQUEUE_BUCKET_URL")
        )
    if not (settings.s3_endpoint or settings.cloudflare_account_id):
        raise SetupError(
            "CLOUDFLARE_ACCOUNT_ID (for R2) or EDITQUEUE_S3_ENDPOINT is missing for "
            f"{settings.bucket_url}, for example EDITQUEUE_S3_ENDPOINT=http://127.0.0.1:8333"
        )
    endpoint = settings.s3_endpoint
    if endpoint is not None and settings.r2_jurisdiction is not None:
        raise SetupError(
            "R2_JURISDICTION is for the endpoint that follows from CLOUDFLARE_ACCOUNT_ID; "
            f"EDITQUEUE_S3_ENDPOINT={endpoint} says it all: give one of the two"
        )
    if endpoint is not None and not (re.match(r"https?://[^/\s]", endpoint) and _is_url(endpoint)):
        raise SetupError("EDITQUEUE_S3_ENDPOINT must be a URL, for example EDITQUEUE_S3_ENDPOINT=http://127.0.0.1:8333")
    for name, value in (
        ("R2_ACCESS_KEY_ID", settings.r2_access_key_id),
        ("R2_SECRET_ACCESS_KEY", settings.r2_secret_access_key),
    ):
        if not value:
            raise SetupError(f"{name} is missing for {settings.bucket_url}: make an R2 API token")


def _check_queue(settings: Settings) -> None:
    for name, value, pattern, kind in (
        ("CLOUDFLARE_ACCOUNT_ID", settings.cloudflare_account_id, r"[0-9a-fA-F]{32}", "an account id (32 hex digits)"),
        (
            "CLOUDFLARE_QUEUE_ID",
            settings.cloudflare_queue_id,
            r"[0-9a-fA-F]{32}",
            "a queue id (32 hex digits; `wrangler queues list` shows the id beside the name)",
        ),
        ("CLOUDFLARE_API_TOKEN", settings.cloudflare_api_token, r"[!-~]+", "a token (printable, no spaces)"),
    ):
        if value is None:
            raise SetupError(f"{name} is missing for EDITQUEUE_QUEUE=cloudflare{_example(name)}")
        if not re.fullmatch(pattern, value):
            raise SetupError(f"{name} is not {kind}{_example(name)}")
    base_url = settings.cloudflare_base_url
    if base_url is not None and not (re.match(r"https?://[^/\s]", base_url) and _is_url(base_url)):
        raise SetupError(f"CLOUDFLARE_BASE_URL must be a URL{_example('CLOUDFLARE_BASE_URL')}")
    if settings.stale_after > LONGEST_STALE:
        raise SetupError(
            f"EDITQUEUE_STALE_AFTER={settings.stale_after:g} is longer than Cloudflare leases a message; "
            f"with EDITQUEUE_QUEUE=cloudflare at most {LONGEST_STALE}, for example EDITQUEUE_STALE_AFTER=900"
        )


def _is_url(value: str) -> bool:
    """False for what no URL parser takes, such as a port that is no number."""
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


def _kept_secret(path: Path) -> str:
    """Made once; two processes that start together agree on one."""
    try:
        if not path.exists():
            _make_secret(path)
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: the secret cannot be read or made ({error}); {_REMEDY}") from error
    if len(secret.encode()) < SHORTEST_SECRET:
        raise SetupError(f"{path}: the secret is shorter than {SHORTEST_SECRET} bytes; remove it, or {_REMEDY}")
    return secret


def _make_secret(path: Path) -> None:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
