"""What an account is made of, in the order in which it is made: each part stands on those before it."""

from collections.abc import Sequence

from deploy.cloudflare.rollout.deployment import Part
from deploy.cloudflare.rollout.parts.bucket import bucket
from deploy.cloudflare.rollout.parts.database import database
from deploy.cloudflare.rollout.parts.others import others
from deploy.cloudflare.rollout.parts.queues import queues
from deploy.cloudflare.rollout.parts.secrets import secrets
from deploy.cloudflare.rollout.parts.subdomain import subdomain
from deploy.cloudflare.rollout.parts.worker import worker

PARTS: Sequence[Part] = (others, database, bucket, queues, secrets, subdomain, worker)
