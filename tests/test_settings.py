"""Every setting: its default, and what a wrong one says."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from editqueue.domain.errors import SetupError
from editqueue.setting_patterns import d1_database_id, name_of
from editqueue.settings import Settings, load_settings
from editqueue.settings.wording import WrongSettings

OURS = ("EDITQUEUE_", "R2_", "CLOUDFLARE_", "JWT_", "ALLOWED_", "FEATURE_", "OTEL_")
S3 = {
    "EDITQUEUE_BUCKET_URL": "s3://piximmo-media",
    "EDITQUEUE_S3_ENDPOINT": "http://127.0.0.1:8333",
    "R2_ACCESS_KEY_ID": "key",
    "R2_SECRET_ACCESS_KEY": "hidden",
}


NAMES = {
    "ALLOWED_ORIGINS",
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_BASE_URL",
    "CLOUDFLARE_QUEUE_ID",
    "EDITQUEUE_BUCKET_URL",
    "EDITQUEUE_CONCURRENCY",
    "EDITQUEUE_DATABASE_SESSION_URL",
    "EDITQUEUE_DATABASE_URL",
    "EDITQUEUE_DATA_DIR",
    "EDITQUEUE_IMAGE_CPU",
    "EDITQUEUE_IMAGE_JOBS",
    "EDITQUEUE_IMAGE_MEGAPIXELS",
    "EDITQUEUE_IMAGE_MEGAPIXELS_CLIP",
    "EDITQUEUE_IMAGE_MEGAPIXELS_HEIF",
    "EDITQUEUE_IMAGE_MEGAPIXELS_WHOLE",
    "EDITQUEUE_IMAGE_MEMORY",
    "EDITQUEUE_IMAGE_TIMEOUT",
    "EDITQUEUE_JOB_TIMEOUT",
    "EDITQUEUE_MAX_RETRIES",
    "EDITQUEUE_METRICS_HOST",
    "EDITQUEUE_METRICS_PORT",
    "EDITQUEUE_PUBLIC_URL",
    "EDITQUEUE_QUEUE",
    "EDITQUEUE_RETENTION_DAYS",
    "EDITQUEUE_S3_ENDPOINT",
    "EDITQUEUE_STALE_AFTER",
    "EDITQUEUE_SWEEP_BATCH",
    "EDITQUEUE_SWEEP_INTERVAL",
    "FEATURE_GALLERY",
    "FEATURE_PRODUCTION",
    "JWT_SECRET",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_EXPORTER",
    "R2_ACCESS_KEY_ID",
    "R2_JURISDICTION",
    "R2_SECRET_ACCESS_KEY",
}
"""People script against them."""
QUEUE = {
    "EDITQUEUE_QUEUE": "cloudflare",
    "CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353",
    "CLOUDFLARE_QUEUE_ID": "8f7e6d5c4b3a29181716151413121110",
    "CLOUDFLARE_API_TOKEN": "hidden-token",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load(monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str]) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_the_defaults_are_those_of_the_specification(tmp_path: Path) -> None:
    settings = load_settings()

    assert settings.database_url == f"sqlite:///{tmp_path}/.editqueue/editqueue.db"
    assert settings.bucket_url == f"file://{tmp_path}/.editqueue/bucket"
    assert settings.limits.job_timeout == timedelta(seconds=300)
    assert settings.limits.stale_after == timedelta(seconds=900)
    assert settings.limits.retention == timedelta(days=90)
    assert (settings.queue, settings.concurrency, settings.sweep_interval) == ("local", 1, 120)
    assert (settings.sweep_batch, settings.max_retries, settings.metrics_port) == (10, 3, None)
    assert (settings.allowed_origins, settings.feature_production, settings.feature_gallery) == ((), False, False)


@pytest.mark.parametrize(
    ("name", "value", "example"),
    [
        ("EDITQUEUE_QUEUE", "kafka", "EDITQUEUE_QUEUE=local"),
        ("EDITQUEUE_CONCURRENCY", "0", "EDITQUEUE_CONCURRENCY=1"),
        ("EDITQUEUE_CONCURRENCY", "two", "EDITQUEUE_CONCURRENCY=1"),
        ("EDITQUEUE_JOB_TIMEOUT", "-1", "EDITQUEUE_JOB_TIMEOUT=300"),
        ("EDITQUEUE_JOB_TIMEOUT", "nan", "EDITQUEUE_JOB_TIMEOUT=300"),
        ("EDITQUEUE_STALE_AFTER", "inf", "EDITQUEUE_STALE_AFTER=900"),
        ("EDITQUEUE_STALE_AFTER", "soon", "EDITQUEUE_STALE_AFTER=900"),
        ("EDITQUEUE_SWEEP_INTERVAL", "0", "EDITQUEUE_SWEEP_INTERVAL=120"),
        ("EDITQUEUE_SWEEP_INTERVAL", "1e300", "EDITQUEUE_SWEEP_INTERVAL=120"),
        ("EDITQUEUE_SWEEP_BATCH", "0", "EDITQUEUE_SWEEP_BATCH=10"),
        ("EDITQUEUE_MAX_RETRIES", "-1", "EDITQUEUE_MAX_RETRIES=3"),
        ("EDITQUEUE_RETENTION_DAYS", "0", "EDITQUEUE_RETENTION_DAYS=90"),
        ("EDITQUEUE_RETENTION_DAYS", "1e12", "EDITQUEUE_RETENTION_DAYS=90"),
        ("EDITQUEUE_METRICS_PORT", "70000", "EDITQUEUE_METRICS_PORT=9464"),
        ("EDITQUEUE_METRICS_HOST", "everywhere", "EDITQUEUE_METRICS_HOST=127.0.0.1"),
        ("EDITQUEUE_PUBLIC_URL", "edit.pix.immo", "EDITQUEUE_PUBLIC_URL=https://edit.pix.immo"),
        ("EDITQUEUE_PUBLIC_URL", "https://pix.immo/edit", "EDITQUEUE_PUBLIC_URL=https://edit.pix.immo"),
        ("EDITQUEUE_PUBLIC_URL", "https://pix.immo?x=1", "EDITQUEUE_PUBLIC_URL=https://edit.pix.immo"),
        ("EDITQUEUE_PUBLIC_URL", "https://pix.immo:port", "EDITQUEUE_PUBLIC_URL=https://edit.pix.immo"),
        ("EDITQUEUE_PUBLIC_URL", "https://häuser.immo", "EDITQUEUE_PUBLIC_URL=https://edit.pix.immo"),
        ("ALLOWED_ORIGINS", "https://pix.immo/path", "ALLOWED_ORIGINS=https://pix.immo"),
        ("ALLOWED_ORIGINS", "https://*.pix.immo", "ALLOWED_ORIGINS=https://pix.immo"),
        ("FEATURE_PRODUCTION", "perhaps", "FEATURE_PRODUCTION=false"),
        ("FEATURE_GALLERY", "perhaps", "FEATURE_GALLERY=false"),
        ("EDITQUEUE_DATABASE_URL", "mysql://localhost/x", "EDITQUEUE_DATABASE_URL=postgresql://"),
        ("EDITQUEUE_DATABASE_URL", "sqlite:///", "EDITQUEUE_DATABASE_URL=postgresql://"),
        ("EDITQUEUE_BUCKET_URL", "ftp://bucket", "EDITQUEUE_BUCKET_URL=s3://"),
        ("EDITQUEUE_BUCKET_URL", "file://relative", "EDITQUEUE_BUCKET_URL=s3://"),
        ("EDITQUEUE_BUCKET_URL", "file:///", "EDITQUEUE_BUCKET_URL=file:///var/lib"),
        ("EDITQUEUE_BUCKET_URL", "file:////%2E", "EDITQUEUE_BUCKET_URL=file:///var/lib"),
        ("JWT_SECRET", "short", "JWT_SECRET=$(openssl"),
    ],
)
def test_a_wrong_setting_names_itself_with_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, example: str
) -> None:
    with pytest.raises(SetupError) as caught:
        load(monkeypatch, {name: value})

    assert str(caught.value).startswith(name)
    assert example in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Value error" not in str(caught.value)
    assert "short" not in str(caught.value)
    assert name == "JWT_SECRET" or f"{name}={value}" in str(caught.value)


@pytest.mark.parametrize("name", ["EDITQUEUE_S3_ENDPOINT", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"])
def test_a_missing_setting_of_a_bucket_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(SetupError, match=name):
        load(monkeypatch, {key: value for key, value in S3.items() if key != name})


def test_the_account_id_stands_for_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {key: value for key, value in S3.items() if key != "EDITQUEUE_S3_ENDPOINT"}

    assert load(monkeypatch, given | {"CLOUDFLARE_ACCOUNT_ID": "abc"}).cloudflare_account_id == "abc"


def test_a_queue_at_cloudflare_has_four_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, QUEUE | {"CLOUDFLARE_BASE_URL": "http://127.0.0.1:8700/client/v4"})

    assert (settings.queue, settings.cloudflare_api_token) == ("cloudflare", "hidden-token")
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("name", ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_QUEUE_ID", "CLOUDFLARE_API_TOKEN"])
def test_a_missing_setting_of_a_queue_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(SetupError, match=rf"^{name} is missing for EDITQUEUE_QUEUE=cloudflare, for example {name}="):
        load(monkeypatch, {key: value for key, value in QUEUE.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLOUDFLARE_ACCOUNT_ID", "my-account"),
        ("CLOUDFLARE_QUEUE_ID", "edit-jobs"),
        ("CLOUDFLARE_API_TOKEN", "two words"),
        ("CLOUDFLARE_API_TOKEN", "line\nbreak"),
        ("CLOUDFLARE_BASE_URL", "api.cloudflare.com"),
        ("CLOUDFLARE_BASE_URL", "http://host:port"),
        ("EDITQUEUE_STALE_AFTER", "40000"),
    ],
)
def test_a_wrong_setting_of_a_queue_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SetupError, match=rf"^{name}.* for example {name}=") as caught:
        load(monkeypatch, QUEUE | {name: value})

    assert "\n" not in str(caught.value)


def test_secrets_are_not_part_of_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, S3 | {"JWT_SECRET": "j" * 32})

    assert "hidden" not in repr(settings)
    assert "j" * 32 not in repr(settings)


def test_a_job_must_end_before_it_counts_as_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {"EDITQUEUE_JOB_TIMEOUT": "840"}).job_timeout == 840

    with pytest.raises(SetupError, match=r"EDITQUEUE_JOB_TIMEOUT=841 .*EDITQUEUE_STALE_AFTER=900"):
        load(monkeypatch, {"EDITQUEUE_JOB_TIMEOUT": "841"})


def test_empty_means_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, {"EDITQUEUE_DATABASE_URL": "", "EDITQUEUE_CONCURRENCY": "", "JWT_SECRET": ""})

    assert settings.embedded
    assert settings.given_jwt_secret is None


def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ALLOWED_ORIGINS": " https://pix.immo , http://localhost:3000,"}

    assert load(monkeypatch, given).allowed_origins == ("https://pix.immo", "http://localhost:3000")


def test_settings_make_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load(monkeypatch, {"EDITQUEUE_DATA_DIR": f"{tmp_path}/data"}).embedded

    assert not (tmp_path / "data").exists()


def test_every_setting_keeps_its_name() -> None:
    assert {name_of(field) for field in Settings.model_fields} == NAMES


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8333", "ftp://host", "http://host:port", "http://"])
def test_an_endpoint_must_be_a_url(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    with pytest.raises(SetupError, match=f"EDITQUEUE_S3_ENDPOINT={endpoint} must be a URL"):
        load(monkeypatch, S3 | {"EDITQUEUE_S3_ENDPOINT": endpoint})


def test_a_database_port_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match=r"^EDITQUEUE_DATABASE_URL"):
        load(monkeypatch, {"EDITQUEUE_DATABASE_URL": "postgresql://host:port/editqueue"})


def test_metrics_are_for_this_machine_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().metrics_host == "127.0.0.1"
    assert load(monkeypatch, {"EDITQUEUE_METRICS_HOST": "0.0.0.0"}).metrics_host == "0.0.0.0"


def test_metrics_can_be_switched_off_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {"EDITQUEUE_METRICS_PORT": "off"}).metrics_port is None


@pytest.mark.parametrize(
    ("name", "value"), [("EDITQUEUE_DATA_DIR", "/tmp/\udcffdir"), ("JWT_SECRET", "\udcff" * 40)], ids=["dir", "secret"]
)
def test_text_that_is_no_utf_8_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SetupError, match=f"^{name} is not text in UTF-8, for example {name}="):
        load(monkeypatch, {name: value})


D1 = {
    "EDITQUEUE_DATABASE_URL": "d1://5A0B7C2E-9d1f-4c3a-8e6b-7f2d1c0a9b8e",
    "EDITQUEUE_QUEUE": "none",
    "CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353",
    "CLOUDFLARE_API_TOKEN": "hidden-token",
}


def test_d1_needs_account_and_token_and_no_queue_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, D1)

    assert not settings.embedded
    assert d1_database_id(settings.database_url) == "5a0b7c2e-9d1f-4c3a-8e6b-7f2d1c0a9b8e"
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"CLOUDFLARE_ACCOUNT_ID": ""}, "CLOUDFLARE_ACCOUNT_ID is missing for d1://"),
        ({"CLOUDFLARE_API_TOKEN": ""}, "CLOUDFLARE_API_TOKEN is missing for d1://"),
        ({"CLOUDFLARE_API_TOKEN": "a b"}, "CLOUDFLARE_API_TOKEN is not a token"),
        ({"CLOUDFLARE_BASE_URL": "api"}, "CLOUDFLARE_BASE_URL=api must be a URL"),
        ({"EDITQUEUE_QUEUE": "local"}, "EDITQUEUE_QUEUE=local would ask d1://.* every second"),
        (
            {"EDITQUEUE_DATABASE_URL": "d1://editqueue"},
            "EDITQUEUE_DATABASE_URL=d1://editqueue: must be .* or d1://DATABASE_ID",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else "=".join(next(iter(value.items()))),
)
def test_what_d1_lacks_is_named(monkeypatch: pytest.MonkeyPatch, change: Mapping[str, str], says: str) -> None:
    with pytest.raises(SetupError, match=says):
        load(monkeypatch, {**D1, **change})


@pytest.mark.parametrize(
    ("given", "queue"),
    [
        ({}, "local"),
        ({"EDITQUEUE_DATABASE_URL": "postgresql://host/editqueue"}, "postgres"),
        ({"EDITQUEUE_DATABASE_URL": "postgresql://host/editqueue", "EDITQUEUE_QUEUE": "local"}, "local"),
        ({"EDITQUEUE_DATABASE_URL": "postgresql://host/editqueue", "EDITQUEUE_QUEUE": "none"}, "none"),
    ],
)
def test_the_queue_is_that_of_the_database_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], queue: str
) -> None:
    assert load(monkeypatch, given).queue == queue


def test_a_queue_on_postgresql_needs_a_database_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="EDITQUEUE_QUEUE=postgres needs a database on PostgreSQL"):
        load(monkeypatch, {"EDITQUEUE_QUEUE": "postgres"})


@pytest.mark.parametrize(
    ("database", "session"),
    [
        ("sqlite:///editqueue.db", "postgresql://host/editqueue"),
        ("postgresql://pooler/editqueue", "sqlite:///editqueue.db"),
        ("postgresql://pooler/editqueue", "host:5432"),
    ],
)
def test_the_sessions_url_is_another_way_to_the_same_postgresql(
    monkeypatch: pytest.MonkeyPatch, database: str, session: str
) -> None:
    with pytest.raises(SetupError, match="EDITQUEUE_DATABASE_SESSION_URL is another way to the database"):
        load(monkeypatch, {"EDITQUEUE_DATABASE_URL": database, "EDITQUEUE_DATABASE_SESSION_URL": session})


def test_a_session_may_go_past_a_pooler(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        {
            "EDITQUEUE_DATABASE_URL": "postgresql://pooler/editqueue",
            "EDITQUEUE_DATABASE_SESSION_URL": "postgresql://host/editqueue",
        },
    )

    assert settings.database_session_url == "postgresql://host/editqueue"


def test_everything_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "EDITQUEUE_CONCURRENCY": "two",
        "EDITQUEUE_QUEUE": "kafka",
        "EDITQUEUE_BUCKET_URL": "s3://piximmo-media",
        "EDITQUEUE_CONCURENCY": "4",
        "JWT_SECRET": "short",
    }

    with pytest.raises(WrongSettings) as caught:
        load(monkeypatch, wrong)

    said = str(caught.value)
    assert said.startswith("7 settings are wrong: (1) EDITQUEUE_CONCURENCY is no setting: did you mean EDITQUEUE_CON")
    assert "EDITQUEUE_CONCURRENCY=two: must be a whole number from 1 to 64, for example EDITQUEUE_CONCURRENCY=1" in said
    assert "EDITQUEUE_QUEUE=kafka: must be one of local, postgres, cloudflare, none" in said
    assert all(
        f"{name} is missing for s3://piximmo-media" in said for name in ("R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
    )
    assert "JWT_SECRET has 5 bytes" in said
    assert "\n" not in said
    assert len(caught.value.problems) == 7


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("EDITQUEUE_CONCURENCY", "did you mean EDITQUEUE_CONCURRENCY?"),
        ("editqueue_jobtimeout", "EDITQUEUE_JOBTIMEOUT is no setting: did you mean EDITQUEUE_JOB_TIMEOUT?"),
        ("EDITQUEUE_JWT_SECRET", "did you mean JWT_SECRET?"),
        ("EDITQUEUE_R2_ACCESS_KEY", "did you mean R2_ACCESS_KEY_ID?"),
        ("EDITQUEUE_BANANA", "EDITQUEUE_BANANA is no setting: unset it; docs/settings.md has all there are"),
        ("EDITQUEUE_PORT", "EDITQUEUE_PORT is no setting"),
    ],
)
def test_a_name_that_is_no_setting_is_refused_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    with pytest.raises(WrongSettings) as caught:
        load(monkeypatch, {name: "4"})

    assert says in str(caught.value)
    assert "=4" not in str(caught.value)


def test_what_is_told_to_others_is_no_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    kubernetes = {
        "EDITQUEUE_SERVICE_HOST": "10.0.0.7",
        "EDITQUEUE_SERVICE_PORT": "80",
        "EDITQUEUE_SERVICE_PORT_HTTP": "80",
        "EDITQUEUE_PORT": "tcp://10.0.0.7:80",
        "EDITQUEUE_PORT_80_TCP": "tcp://10.0.0.7:80",
        "EDITQUEUE_PORT_80_TCP_ADDR": "10.0.0.7",
        "EDITQUEUE_API_SERVICE_HOST": "10.0.0.8",
        "EDITQUEUE_METRICS_SERVICE_HOST": "10.0.0.9",
        "EDITQUEUE_METRICS_SERVICE_PORT": "9464",
        "EDITQUEUE_METRICS_PORT": "tcp://10.0.0.9:9464",
        "EDITQUEUE_METRICS_PORT_9464_TCP_PORT": "9464",
    }
    others = {"EDITQUEUE_TEST_SIZE": "full", "EDITQUEUE_BENCH_NAME": "claims", "EDITQUEUE_FUZZ_SEED": "7", "R2_D2": "x"}

    settings = load(monkeypatch, kubernetes | others)

    assert (settings.concurrency, settings.metrics_port) == (1, None)


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("EDITQUEUE_DATABASE_URL", "mysql://anna:geheim-7351@host/x", "geheim-7351"),
        ("EDITQUEUE_DATABASE_URL", "host=db password=geheim-7351", "geheim-7351"),
        ("EDITQUEUE_DATABASE_URL", "mysql://anna:ge/geheim-7351@host/x", "geheim-7351"),
        ("EDITQUEUE_DATABASE_URL", "postgres//anna:geheim-7351@host/x", "geheim-7351"),
        ("EDITQUEUE_PUBLIC_URL", "https://anna:geheim-7351@pix.immo", "geheim-7351"),
        ("JWT_SECRET", "geheim-7351", "geheim-7351"),
    ],
)
def test_a_wrong_value_shows_no_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str, hidden: str) -> None:
    with pytest.raises(WrongSettings) as caught:
        load(monkeypatch, {name: value})

    assert name in str(caught.value)
    assert hidden not in str(caught.value)


def test_a_wrong_value_is_shown_in_one_short_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSettings) as caught:
        load(monkeypatch, {"EDITQUEUE_QUEUE": "a\nb\x1b" + "c" * 1000})

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Edit.Pix.Immo/", "https://edit.pix.immo"),
        ("https://edit.pix.immo:443", "https://edit.pix.immo"),
        ("http://edit.pix.immo:443", "http://edit.pix.immo:443"),
        ("http://192.168.1.5:8787", "http://192.168.1.5:8787"),
        ("http://[::1]:8787", "http://[::1]:8787"),
    ],
)
def test_the_public_url_is_kept_as_browsers_write_it(monkeypatch: pytest.MonkeyPatch, given: str, kept: str) -> None:
    assert load(monkeypatch, {"EDITQUEUE_PUBLIC_URL": given}).public_url == kept


def test_a_public_url_with_a_path_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSettings, match="give it a host name or a port of its own"):
        load(monkeypatch, {"EDITQUEUE_PUBLIC_URL": "https://pix.immo/edit"})
