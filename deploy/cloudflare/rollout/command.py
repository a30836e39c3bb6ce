"""The command line of `make deploy-cloudflare`."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.cloudflare.rollout import run as ways
from deploy.cloudflare.rollout.account import find_account, signed_in
from deploy.cloudflare.rollout.api import BASE_URL, Api
from deploy.cloudflare.rollout.deployment import Deployment
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.project import Project, read_template
from deploy.cloudflare.rollout.record import Choices, choose, load
from deploy.cloudflare.rollout.secret_values import SecretValues
from deploy.cloudflare.rollout.wanted import default_record, wanted
from deploy.cloudflare.rollout.wrangler import InstalledWrangler

NAME = re.compile(r"(?=.{1,40}$)[a-z0-9]+(-[a-z0-9]+)*")
"""What a Worker, a database, a queue and a subdomain may all be called."""
DIFFERENT, FAILED = 1, 2
INTERRUPTED = 130
"""As what Typer ends at Ctrl-C, without a word."""
ROOT = Path(__file__).resolve().parents[3]

HELP = """From an empty Cloudflare account to a working queue, in one command that may be cut off and begun anew.

Needs CLOUDFLARE_API_TOKEN with the rights Account > Account Settings > Read, and D1, Workers R2 Storage, Queues, \
Workers Scripts and Account API Tokens > Edit. CLOUDFLARE_ACCOUNT_ID only if the token sees several accounts. \
JWT_SECRET, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY are taken from the environment where they are given, and made \
where not.

Creates what is missing, deploys, tries a photo as a customer would, and changes nothing where nothing is to be done. \
What was chosen, made and found is kept in deploy/cloudflare/.deployments/NAME/ and not committed.
"""


def open_deployment(
    project: Project,
    choices: Choices,
    environment: Mapping[str, str],
    *,
    http: httpx.Client,
    customers_http: httpx.Client,
) -> Deployment:
    """Finds the account with the token in `http`'s headers. Writes nothing. Raises Problem."""
    template = read_template(project.template)
    record = choose(load(project.kept / "deployment.json", default_record(template, name=project.name)), choices)
    secrets = SecretValues.load(project.kept / "secrets.json", environment)
    api = Api(http=http, base_url=environment.get("CLOUDFLARE_API_BASE_URL", BASE_URL).rstrip("/"))
    account_id = find_account(api, environment)
    if record.account_id not in {None, account_id}:
        raise Problem(
            f"{project.name} was deployed to the account {record.account_id}, and the token is for {account_id}: "
            "take another --name, or the other token"
        )
    deployment = Deployment(
        project=project,
        template=template,
        record=record,
        wanted=wanted(template, record, name=project.name),
        secrets=secrets,
        api=api,
        wrangler=InstalledWrangler(project=project, environment={**environment, "CLOUDFLARE_ACCOUNT_ID": account_id}),
        customers_http=customers_http,
        say=typer.echo,
    )
    deployment.know(account_id=account_id)
    return deployment


def deploy(
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be done. Changes nothing.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Compare the account with what should be there: one line a difference, and exit code 1."
        ),
    ] = False,
    name: Annotated[
        str, typer.Option(help="Of the Worker, its database and its queues (NAME-jobs, NAME-dead).")
    ] = "editqueue",
    bucket: Annotated[
        str | None, typer.Option(help="Of the originals. (default: as in wrangler.jsonc; with --name, NAME-media)")
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(help="Keep database, bucket and queues in it: eu or fedramp. Chosen once.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the pages of your website come from; several times for several. (default: as in wrangler.jsonc)"
        ),
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where the Worker answers, if that is not on workers.dev.")] = None,
    remove_trial: Annotated[
        bool, typer.Option("--remove-trial", help="Remove the order of the trial photo, and do nothing else.")
    ] = False,
) -> None:
    choices = Choices(bucket=bucket, jurisdiction=jurisdiction, origins=origin or (), url=url)
    if plan + check + remove_trial > 1:
        raise Problem("--plan, --check and --remove-trial exclude each other")
    project = Project(root=ROOT, name=_checked(name))
    with httpx.Client(headers=signed_in(os.environ)) as http, httpx.Client() as customers_http:
        deployment = open_deployment(project, choices, os.environ, http=http, customers_http=customers_http)
        if plan:
            ways.plan(deployment)
        elif remove_trial:
            ways.remove_trial(deployment)
        elif not check:
            ways.run(deployment)
        elif not ways.check(deployment):
            raise typer.Exit(DIFFERENT)


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise Problem(f"--name {name}: small letters, digits and single hyphens between them, 40 at most")
    return name


def main() -> None:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=HELP)(deploy)
    try:
        app(prog_name="deploy-cloudflare")
    except Problem as problem:
        _end(str(problem))
    except OSError as error:
        _end(f"{error.filename or 'a file'} cannot be used ({error.strerror or error})")
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _end("cut off; run the command again, it goes on where it stopped")
        raise


def _end(line: str) -> None:
    sys.stderr.write(f"deploy-cloudflare: {line}\n")
    raise SystemExit(FAILED)
