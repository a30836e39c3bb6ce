"""The settings of a Worker: the same names, checks and words as on a server, from `env` instead of the process."""

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from editqueue.settings import Settings
from editqueue.settings.checks import problems_together
from editqueue.settings.wording import WrongSettings, by_name, wrong_values

NAMES = (
    "EDITQUEUE_BUCKET_URL",
    "EDITQUEUE_S3_ENDPOINT",
    "R2_ACCESS_KEY_ID",
    "R2_SECRET_ACCESS_KEY",
    "CLOUDFLARE_ACCOUNT_ID",
    "R2_JURISDICTION",
    "EDITQUEUE_JOB_TIMEOUT",
    "EDITQUEUE_STALE_AFTER",
    "EDITQUEUE_SWEEP_BATCH",
    "EDITQUEUE_MAX_RETRIES",
    "EDITQUEUE_RETENTION_DAYS",
    "JWT_SECRET",
    "ALLOWED_ORIGINS",
    "FEATURE_PRODUCTION",
    "FEATURE_GALLERY",
)
"""What a Worker reads: the variables and secrets of deploy/cloudflare/wrangler.jsonc."""
_NEEDED = {
    "JWT_SECRET": "wrangler secret put JWT_SECRET, the secret of your shop",
    "EDITQUEUE_BUCKET_URL": "give it under vars in wrangler.jsonc, for example s3://piximmo-media",
}
WALL_LIMIT = 900
"""Seconds that the runtime gives one queue batch or one cron tick."""


class WorkerSettings(Settings):
    """Filled from what it is given, and from no environment."""

    sweep_batch: int = Field(10, ge=0, le=1000)
    """0 where consumers elsewhere do the work: a cron tick would make placeholders of what only they can read. It then
    requeues stale jobs and retires old objects, and begins no job."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # pydantic-settings calls it so
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def worker_settings(env: object) -> WorkerSettings:
    """The settings in the bindings of a Worker. Raises WrongSettings, naming each that is wrong, with an example."""
    given = {name: value for name in NAMES if isinstance(value := getattr(env, name, None), str) and value}
    problems = [f"{name} is missing: {remedy}" for name, remedy in _NEEDED.items() if name not in given]
    try:
        settings = WorkerSettings.model_validate(given)
    except ValidationError as error:
        wrong = wrong_values(error, by_name(WorkerSettings))
        problems += wrong.values()
        settings = WorkerSettings.model_validate({name: value for name, value in given.items() if name not in wrong})
    problems += problems_together(settings)
    longest = settings.job_timeout * settings.sweep_batch
    if longest > WALL_LIMIT:
        problems.append(
            f"EDITQUEUE_JOB_TIMEOUT x EDITQUEUE_SWEEP_BATCH is {longest:g} s, and a Worker is stopped after "
            f"{WALL_LIMIT} s; for example 60 and 10"
        )
    if problems:
        raise WrongSettings(problems)
    return settings
