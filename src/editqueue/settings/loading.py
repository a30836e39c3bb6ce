"""The settings of this process: all that is wrong with them is said at once."""

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from editqueue.settings.checks import problems_together
from editqueue.settings.model import Settings
from editqueue.settings.wording import FIELDS, WrongSettings, unknown_names, wrong_values


def load_settings() -> Settings:
    """Raises WrongSettings, naming every setting that is wrong or unknown, with an example."""
    problems = [*unknown_names(EnvSettingsSource(Settings).env_vars)]
    try:
        settings = Settings()  # pyright: ignore[reportCallIssue]  # filled from the environment
    except ValidationError as error:
        wrong = wrong_values(error)
        problems += wrong.values()
        # the others are looked at as if these had not been given
        settings = Settings.model_validate({name: FIELDS[name].default for name in wrong})
    problems += problems_together(settings)
    if problems:
        raise WrongSettings(problems)
    return settings
