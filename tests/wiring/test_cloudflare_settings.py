"""The settings of a Worker come from its bindings, and a wrong one is named with a remedy."""

from types import SimpleNamespace

import pytest

from editqueue.domain.errors import SetupError
from editqueue.wiring.cloudflare_settings import worker_settings

GIVEN = {
    "EDITQUEUE_BUCKET_URL": "s3://piximmo-media",
    "CLOUDFLARE_ACCOUNT_ID": "0" * 32,
    "R2_ACCESS_KEY_ID": "key",
    "R2_SECRET_ACCESS_KEY": "secret",
    "JWT_SECRET": "x" * 32,
    "EDITQUEUE_JOB_TIMEOUT": "60",
}


def test_they_come_from_the_bindings_and_not_from_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITQUEUE_MAX_RETRIES", "0")
    monkeypatch.setenv("JWT_SECRET", "y" * 32)

    settings = worker_settings(SimpleNamespace(**GIVEN, DB=object()))

    assert (settings.max_retries, settings.given_jwt_secret) == (3, "x" * 32)
    assert (settings.feature_production, settings.feature_gallery) == (False, False)


def test_signed_urls_point_to_the_jurisdiction_of_the_bucket() -> None:
    settings = worker_settings(SimpleNamespace(**GIVEN, R2_JURISDICTION="eu"))

    assert settings.r2_jurisdiction == "eu"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("JWT_SECRET", "", "JWT_SECRET is missing: wrangler secret put"),
        ("JWT_SECRET", "short", "JWT_SECRET has 5 bytes"),
        ("EDITQUEUE_BUCKET_URL", "", "EDITQUEUE_BUCKET_URL is missing"),
        ("CLOUDFLARE_ACCOUNT_ID", "", "CLOUDFLARE_ACCOUNT_ID"),
        ("R2_SECRET_ACCESS_KEY", "", "R2_SECRET_ACCESS_KEY is missing"),
        (
            "EDITQUEUE_SWEEP_BATCH",
            "many",
            "EDITQUEUE_SWEEP_BATCH=many: must be a whole number from 0 to 1000, for example EDITQUEUE_SWEEP_BATCH=10",
        ),
        ("EDITQUEUE_JOB_TIMEOUT", "300", "3000 s, and a Worker is stopped after 900 s"),
    ],
)
def test_a_wrong_one_is_named(name: str, value: str, said: str) -> None:
    with pytest.raises(SetupError, match=said):
        worker_settings(SimpleNamespace(**{**GIVEN, name: value}))


def test_a_cron_may_leave_all_jobs_to_consumers_elsewhere() -> None:
    given = {**GIVEN, "EDITQUEUE_SWEEP_BATCH": "0", "EDITQUEUE_JOB_TIMEOUT": "300"}

    assert worker_settings(SimpleNamespace(**given)).limits.sweep_batch == 0
    with pytest.raises(SetupError, match="EDITQUEUE_SWEEP_BATCH"):
        worker_settings(SimpleNamespace(**{**given, "EDITQUEUE_SWEEP_BATCH": "-1"}))


def test_all_that_is_wrong_is_said_at_once() -> None:
    given = {**GIVEN, "JWT_SECRET": "", "R2_ACCESS_KEY_ID": "", "EDITQUEUE_MAX_RETRIES": "many"}

    with pytest.raises(SetupError) as caught:
        worker_settings(SimpleNamespace(**given))

    assert all(name in str(caught.value) for name in ("JWT_SECRET", "R2_ACCESS_KEY_ID", "EDITQUEUE_MAX_RETRIES=many"))
