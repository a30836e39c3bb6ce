"""The ways to go through an account: say what would be done, compare, do it, or remove what the trial left."""

from deploy.cloudflare.rollout.deployment import Deployment
from deploy.cloudflare.rollout.parts import PARTS
from deploy.cloudflare.rollout.parts.database import find_database
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.secret_values import JWT_SECRET
from deploy.cloudflare.rollout.trial import address, forget_trials, try_a_photo


def plan(deployment: Deployment) -> None:
    """Say what a run would do. Changes nothing, here and there."""
    steps = [
        difference.doing if difference.mend else f"stop: {difference.lines[0]}: {difference.doing}"
        for part in PARTS
        for difference in part(deployment)
    ]
    if steps or deployment.record.tried != deployment.tag():
        steps.append("try a photo as a customer")
    for step in steps:
        deployment.say(f"would {step}")
    if not steps:
        deployment.say("nothing to do")


def check(deployment: Deployment) -> bool:
    """Say each difference in a line; whether there is none. Changes nothing."""
    lines = [line for part in PARTS for difference in part(deployment) for line in difference.lines]
    for line in lines:
        deployment.say(line)
    if not lines:
        deployment.say("the account is as it should be")
    return not lines


def run(deployment: Deployment) -> None:
    """Mend every difference, then try a photo if this version was not tried. Raises Problem."""
    deployment.remember()
    mended = 0
    for part in PARTS:
        for difference in part(deployment):
            if difference.mend is None:
                raise Problem(f"{difference.lines[0]}: {difference.doing}")
            deployment.say(difference.doing)
            difference.mend()
            mended += 1
    tag = deployment.tag()
    if deployment.record.tried != tag:
        _try(deployment, tag)
    elif not mended:
        deployment.say("nothing to do")
    deployment.say(f"the edit queue answers at {address(deployment)}")


def remove_trial(deployment: Deployment) -> None:
    """Remove the order of the trial photo, if there is one, and nothing else. Raises Problem."""
    left = find_database(deployment) is not None and forget_trials(deployment)
    deployment.say("the trial's order is removed" if left else "no trial left an order")


def _try(deployment: Deployment, tag: str) -> None:
    if deployment.secrets.value(JWT_SECRET) is None:
        deployment.say("no photo tried: the Worker's JWT_SECRET is not known here; give it in the environment")
        return
    deployment.say("try a photo as a customer")
    try:
        trial = try_a_photo(deployment)
    except Problem as problem:
        raise Problem(f"{problem}; the trial's order stays until the command is run again") from problem
    deployment.say(f"its preview was there after {trial.seconds:.1f} s")
    deployment.say(f"look at it within five minutes: {trial.link}")
    deployment.say("the trial's order stays until the next trial, or until ARGS=--remove-trial")
    deployment.remember(tried=tag)
