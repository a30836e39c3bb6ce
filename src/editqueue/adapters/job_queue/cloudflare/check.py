"""Does the queue at Cloudflare do what we need? Each answer comes with a remedy."""

from cloudflare.types.queues import Queue
from cloudflare.types.queues.consumer import MqHTTPConsumerResponse

from editqueue.adapters.job_queue.cloudflare.access import QueueAccess, QueueFinding
from editqueue.adapters.job_queue.cloudflare.api import CloudflareApi, QueueRefused
from editqueue.domain.errors import QueueUnavailable
from editqueue.domain.ids import new_id

NO_SUCH_QUEUE = {10104, 10107}
FEW_RETRIES = 10
"""Deliveries that a message should survive: each restart of its consumer and each retry of its job takes one."""


async def look_at(access: QueueAccess, *, pulling: bool) -> QueueFinding:
    """Read what the queue is, and send one wake-up that names no job: it harms nobody and proves the right to write.

    `pulling` expects a pull consumer, too.
    """
    api = CloudflareApi(access)
    try:
        queue = await api.details()
        await api.send([new_id()])
    except QueueRefused as error:
        return _refused(error, access)
    except QueueUnavailable as error:
        elsewhere = "" if access.base_url is None else f"CLOUDFLARE_BASE_URL={access.base_url}, "
        remedy = f"check {elsewhere}the network and www.cloudflarestatus.com"
        return QueueFinding(ok=False, detail=str(error), remedy=remedy, transient=True)
    finally:
        await api.close()
    return _described(queue, pulling=pulling)


def _refused(error: QueueRefused, access: QueueAccess) -> QueueFinding:
    if error.status == 404 or error.error_code in NO_SUCH_QUEUE:
        return QueueFinding(
            ok=False,
            detail=f"CLOUDFLARE_QUEUE_ID={access.queue_id} is no queue of account {access.account_id} ({error})",
            remedy="`wrangler queues list` shows the ids of the account that CLOUDFLARE_ACCOUNT_ID names",
        )
    return QueueFinding(
        ok=False,
        detail=f"CLOUDFLARE_API_TOKEN is refused for account {access.account_id} ({error})",
        remedy="make a token with the account permission Queues: Edit for this very account (CLOUDFLARE_ACCOUNT_ID)",
    )


def _described(queue: Queue, *, pulling: bool) -> QueueFinding:
    name = queue.queue_name or "?"
    consumers = [found for found in queue.consumers or () if isinstance(found, MqHTTPConsumerResponse)]
    if pulling and not consumers:
        return QueueFinding(
            ok=False,
            detail=f"cloudflare: the queue {name} has no HTTP pull consumer, so consume receives nothing",
            remedy=f"wrangler queues consumer http add {name} --message-retries {FEW_RETRIES}, "
            "after removing a Worker consumer",
        )
    if queue.settings is not None and queue.settings.delivery_paused:
        return QueueFinding(
            ok=False,
            detail=f"cloudflare: delivery of the queue {name} is paused",
            remedy=f"wrangler queues resume-delivery {name}",
            transient=True,
        )
    words = "; ".join([f"cloudflare: {name}, may be read and written", *map(_advice, consumers)])
    return QueueFinding(ok=True, detail=words)


def _advice(consumer: MqHTTPConsumerResponse) -> str:
    retries = consumer.settings.max_retries if consumer.settings else None
    letters = consumer.dead_letter_queue or "none, what is out of retries is deleted"
    few = "" if retries is None or retries >= FEW_RETRIES else f" ({FEW_RETRIES} or more are better)"
    return f"{'?' if retries is None else int(retries)} retries a message{few}; dead letters: {letters}"
