"""token: a JWT for a customer."""

from datetime import UTC, datetime, timedelta

from editqueue.domain.keys import check_user_id
from editqueue.entrypoints.commands.console import print_line
from editqueue.entrypoints.http.auth import issue_token
from editqueue.settings import load_settings
from editqueue.wiring.data_dir import kept_jwt_secret


def run_token(user_id: str, seconds: int) -> None:
    """Print it. Raises SetupError where no server has a secret yet that would check it."""
    check_user_id(user_id, name="--user-id")
    secret = kept_jwt_secret(load_settings())
    print_line(issue_token(user_id, secret=secret, now=datetime.now(UTC), ttl=timedelta(seconds=seconds)))
