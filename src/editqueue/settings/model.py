"""Every setting, and what can be said of one by itself. Its docstring is its line in docs/settings.md."""

import re
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from pydantic import AliasGenerator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from editqueue.ports import Limits
from editqueue.setting_patterns import is_postgres, is_url, name_of

LONGEST = 7 * 24 * 3600
"""Seconds; the upper end of every duration, so that none overflows the calendar."""


class Settings(BaseSettings):
    """Every setting, checked by itself; `checks` looks at those that must go together.

    An error shows the first of a field's `examples`, else its default. `title` says what a text must be. A setting
    whose value is a secret has `repr=False`: no error shows it.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, alias_generator=AliasGenerator(validation_alias=name_of)
    )

    data_dir: Path = Path("./.editqueue")
    """Where the embedded database and bucket live, and the secret that is made for them."""
    given_database_url: str | None = Field(
        None,
        title="sqlite:///file, postgresql://user:password@host/name or d1://DATABASE_ID",
        examples=["postgresql://user:password@host/editqueue"],
    )
    """The database. `d1://` is for consumers beside a Cloudflare Worker. Default: SQLite in the data dir."""
    database_session_url: str | None = Field(
        None, title="postgresql://user:password@host/name", examples=["postgresql://user:password@host/editqueue"]
    )
    """The PostgreSQL server's own address, where the database URL leads to a connection pooler: a consumer's lock and
    its notifications need it. Default: the database URL."""
    given_bucket_url: str | None = Field(None, title="file:///folder or s3://bucket", examples=["s3://piximmo-media"])
    """The bucket. Default: the folder `bucket` in the data dir."""
    public_url: str | None = Field(
        None, title="a URL without a path, as browsers call this server", examples=["https://edit.pix.immo"]
    )
    """What browsers call `serve` by, where that is not the address it listens on: behind a proxy, in a container, on
    another machine. Signed URLs of a local bucket and printed links begin with it, and beside those of ALLOWED_ORIGINS
    only its pages may write with the customer's cookie. Default: the address that `serve` listens on."""
    s3_endpoint: str | None = Field(None, title="an http or https URL", examples=["http://127.0.0.1:8333"])
    """The S3 server, for `s3://`. Default: R2 of the Cloudflare account."""
    r2_access_key_id: str | None = None
    """The id of the key to the S3 server or to R2, for `s3://`."""
    r2_secret_access_key: str | None = Field(None, repr=False)
    """The secret of that key."""
    r2_jurisdiction: Literal["eu", "fedramp"] | None = Field(None, examples=["eu"])
    """For an R2 bucket that was made with one: it goes into the endpoint."""
    cloudflare_account_id: str | None = Field(
        None, title="32 hex digits", examples=["023e105f4ecef8ad9ca31a8372d0c353"]
    )
    """The account of R2, of the queue and of D1."""
    cloudflare_api_token: str | None = Field(
        None, repr=False, examples=["(an API token with the account permission Queues: Edit, and D1: Edit for d1://)"]
    )
    """For the queue `cloudflare` (right Queues: Edit) and for `d1://` (D1: Edit)."""
    cloudflare_queue_id: str | None = Field(None, title="32 hex digits", examples=["8f7e6d5c4b3a29181716151413121110"])
    """The id, not the name, of the queue `cloudflare`: `wrangler queues list` shows it."""
    cloudflare_base_url: str | None = Field(
        None, title="an http or https URL", examples=["https://api.cloudflare.com/client/v4"]
    )
    """Where Cloudflare's API is, only to point elsewhere in tests. Default: Cloudflare's own."""
    given_queue: Literal["local", "postgres", "cloudflare", "none"] | None = Field(None, examples=["local"])
    """Who wakes idle consumers: `local` this machine, `postgres` the submitting transaction, `cloudflare` Queues over
    HTTP, `none` the clock alone. With D1 it must be given: `cloudflare` or `none`. Default: `postgres` where the
    database is PostgreSQL, else `local`."""
    concurrency: int = Field(1, ge=1, le=64)
    """Jobs at a time in one process."""
    job_timeout: float = Field(300, gt=0, le=LONGEST)
    """Seconds after which a job is aborted; at least 60 less than EDITQUEUE_STALE_AFTER."""
    stale_after: float = Field(900, gt=0, le=LONGEST)
    """Seconds after which a job in progress counts as abandoned and is queued again; with the queue `cloudflare` at
    most 39600."""
    sweep_interval: float = Field(120, gt=0, le=LONGEST)
    """Seconds between two sweeps of one consumer."""
    sweep_batch: int = Field(10, ge=1, le=1000)
    """Jobs that one sweep works on."""
    max_retries: int = Field(3, ge=0, le=20)
    """Attempts after the first one of a job."""
    retention_days: float = Field(90, gt=0, le=36_500)
    """Days that processed photos and previews live; originals stay."""
    metrics_port: int | None = Field(None, ge=1, le=65535, title="off, or a port from 1 to 65535", examples=[9464])
    """Port of the Prometheus metrics of this process. Default: off."""
    metrics_host: str = Field("127.0.0.1", title="an IP address")
    """Address that the metrics listen on."""
    image_memory: int = Field(1536, ge=512, le=65_536)
    """MiB of memory for one image process."""
    image_timeout: float = Field(30, gt=0, le=LONGEST)
    """Seconds that one photo may take."""
    image_cpu: int = Field(30, ge=1, le=LONGEST)
    """Seconds of CPU that one photo may take."""
    image_jobs: int = Field(500, ge=1)
    """Photos until an image process is replaced by a fresh one."""
    image_megapixels: int = Field(268, ge=1, le=4295)
    """Megapixels of the largest photo that can be read in strips (most JPEG, PNG, TIFF, WebP)."""
    image_megapixels_whole: int = Field(100, ge=1, le=4295)
    """The same where it must be in memory as a whole (progressive JPEG, interlaced PNG)."""
    image_megapixels_heif: int = Field(210, ge=1, le=4295)
    """The same of a HEIC, HIF or AVIF."""
    image_megapixels_clip: int = Field(36, ge=1, le=4295)
    """The same of a frame of a clip."""
    given_jwt_secret: str | None = Field(
        None, repr=False, title="a text of at least 32 bytes", examples=["$(openssl rand -hex 32)"]
    )
    """Signs and checks tokens, and a local bucket's URLs: pix.immo's own secret. Default: made and kept in the data dir
    with the embedded database; with another one it must be given to whatever signs or checks (`serve`, `token`, `demo`,
    `doctor`)."""
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), title="origins, separated by commas", examples=["https://pix.immo,https://www.pix.immo"]
    )
    """Pages of these origins may call the API with the customer's cookie (CORS), and upload into a local bucket.
    Default: none."""
    otel_exporter_otlp_endpoint: str | None = Field(
        None, title="an http or https URL", examples=["http://127.0.0.1:4318"]
    )
    """The OpenTelemetry collector that traces are sent to; `/v1/traces` is added. Needs the extra `otel`. Its SDK reads
    the other variables itself, as OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS. Default: off."""
    otel_exporter_otlp_traces_endpoint: str | None = Field(
        None, title="an http or https URL", examples=["http://127.0.0.1:4318/v1/traces"]
    )
    """The same, whole, and before it. Default: off."""
    otel_traces_exporter: str | None = Field(None, title="one of otlp, none", examples=["otlp"])
    """`none` sends no traces, `otlp` sends them to this machine where no endpoint is given. Default: `otlp` with an
    endpoint, else `none`."""
    otel_exporter_otlp_protocol: str = Field("http/protobuf", title="http/protobuf")
    """How they are sent; the only way there is."""
    otel_exporter_otlp_traces_protocol: str | None = Field(None, title="http/protobuf", examples=["http/protobuf"])
    """The same, and before it. Default: as OTEL_EXPORTER_OTLP_PROTOCOL."""
    otel_sdk_disabled: bool = Field(False, examples=["true"])
    """`true` sends no traces, whatever else is set."""
    feature_production: bool = Field(False, examples=["false"])
    """Untouched by this system."""
    feature_gallery: bool = Field(False, examples=["false"])
    """Untouched by this system."""

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _may_be_off(cls, value: object) -> object:
        """Off is also what Kubernetes tells every pod of a Service called `editqueue-metrics`: `tcp://10.0.0.7:9464`."""
        off = isinstance(value, str) and re.fullmatch(r"off|(?:tcp|udp|sctp)://.*", value.strip(), re.IGNORECASE)
        return None if off else value

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
            raise ValueError("give an IP address, and not a name") from None
        return value

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        """As browsers write it: in small letters, without the scheme's own port, without a slash at the end."""
        if value is None:
            return None
        url = value.strip().lower().removesuffix("/")
        if not re.fullmatch(r"https?://[a-z0-9._\-\[\]:]+", url) or not is_url(url) or not urlsplit(url).hostname:
            if re.match(r"https?://[^/?#@]+/", url):
                raise ValueError(
                    "give it a host name or a port of its own: API and review page are called without a path"
                )
            raise ValueError("give scheme and host (and port), nothing else")
        return url.removesuffix({"http": ":80", "https": ":443"}[urlsplit(url).scheme])

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
    def traces_endpoint(self) -> str | None:
        """The URL that traces are sent to; None where there are none."""
        if self.otel_sdk_disabled or self.traces_asked_for_by is None:
            return None
        base = self.otel_exporter_otlp_endpoint or "http://localhost:4318"
        return self.otel_exporter_otlp_traces_endpoint or f"{base.removesuffix('/')}/v1/traces"

    @property
    def traces_asked_for_by(self) -> str | None:
        """The name of the setting."""
        if self.otel_traces_exporter is not None:
            return None if self.otel_traces_exporter == "none" else "OTEL_TRACES_EXPORTER"
        given = {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": self.otel_exporter_otlp_traces_endpoint,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otel_exporter_otlp_endpoint,
        }
        return next((name for name, url in given.items() if url is not None), None)

    @property
    def limits(self) -> Limits:
        return Limits(
            job_timeout=timedelta(seconds=self.job_timeout),
            stale_after=timedelta(seconds=self.stale_after),
            sweep_batch=self.sweep_batch,
            max_retries=self.max_retries,
            retention=timedelta(days=self.retention_days),
        )
