"""The three ways to go through an account: say what would be done, compare, or do it."""

from deploy.cloudflare.rollout.deployment import Deployment
from deploy.cloudflare.rollout.parts import PARTS
from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.secret_values import JWT_SECRET
from deploy.cloudflare.rollout.trial import address, forget_trials, try_a_photo


def plan(deployment: Deployment) -> None:
    """Say what a run would do. Changes nothing, here and there."""
    steps = [difference.doing for part in PARTS for difference in part(deployment)]
    if steps or deployment.record.tried != deployment.tag():
        steps.append("try a photo as a customer, and remove it again")
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


def run(deployment: Deployment, *, keep_trial: bool) -> None:
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
        _try(deployment, tag, keep=keep_trial)
    elif not mended:
        deployment.say("nothing to do")
    deployment.say(f"the edit queue answers at {address(deployment)}")


def _try(deployment: Deployment, tag: str, *, keep: bool) -> None:
    if deployment.secrets.value(JWT_SECRET) is None:
        deployment.say("no photo tried: the Worker's JWT_SECRET is not known here; give it in the environment")
        return
    deployment.say("try a photo as a customer")
    try:
        trial = try_a_photo(deployment)
    except Problem as problem:
        raise Problem(f"{problem}; the trial's order stays until the command is run again") from problem
    deployment.say(f"its preview was there after {trial.seconds:.1f} s")
    if keep:
        deployment.say(f"preview, for five minutes: {trial.link}")
        deployment.say("the trial order stays until the next trial")
    else:
        forget_trials(deployment)
        path = deployment.project.kept / "trial-preview.jpg"
        path.write_bytes(trial.picture)
        deployment.say(f"the trial order is removed; its preview is kept in {path}")
    deployment.remember(tried=tag)
