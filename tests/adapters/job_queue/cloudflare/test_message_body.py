"""Wake-ups on the wire."""

import base64
import json

import pytest

from editqueue.adapters.job_queue.cloudflare.message_body import (
    METADATA_BYTES,
    MOST_BYTES,
    MOST_MESSAGES,
    batches,
    decode,
    encode,
)
from editqueue.domain.ids import new_id


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_what_was_encoded_names_the_job_again() -> None:
    job_id = new_id()
    said = json.dumps(encode(job_id))

    assert decode(in_base64(said), content_type="json") == job_id
    assert decode(in_base64(said), content_type="bytes") == job_id
    assert decode(said, content_type="text") == job_id


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (None, "json"),
        ("", "json"),
        ("not base64 !", "json"),
        (in_base64("not JSON"), "json"),
        (in_base64("[]"), "json"),
        (in_base64("null"), "json"),
        (in_base64("[" * 100_000), "json"),
        (in_base64('{"job": "a"}'), "json"),
        (in_base64('{"job_id": 7}'), "json"),
        (in_base64('{"job_id": ""}'), "json"),
        (in_base64('{"job_id": "a b"}'), "json"),
        (in_base64('{"job_id": "a\\u0000"}'), "json"),
        (in_base64('{"job_id": "' + 65 * "a" + '"}'), "json"),
        (base64.b64encode(b"\xff\xfe").decode(), "bytes"),
        ('{"job_id": "a"}', "json"),
        (in_base64('{"job_id": "a"}'), "text"),
        (in_base64('{"job_id": "a"}'), "v8"),
        ('{"job_id": "a", "and more": "' + 1024 * "b" + '"}', "text"),
        (in_base64('{"account": "x", "action": "PutObject", "bucket": "b"}'), "json"),
    ],
)
def test_what_is_not_ours_names_none(body: str | None, content_type: str) -> None:
    assert decode(body, content_type=content_type) is None


def test_a_batch_has_at_most_a_hundred_messages() -> None:
    ids = [new_id() for _ in range(250)]

    found = [*batches(ids)]

    assert [len(one) for one in found] == [100, 100, 50]
    assert [one for batch in found for one in batch] == ids


def test_a_batch_stays_below_its_bytes() -> None:
    ids = ["ü" * 500 for _ in range(3 * MOST_MESSAGES)]

    found = [*batches(ids)]

    assert sum(len(one) for one in found) == len(ids)
    for batch in found:
        assert sum(len(json.dumps(encode(one))) + METADATA_BYTES for one in batch) <= MOST_BYTES
        assert len(batch) > 50


def test_nothing_makes_no_batch() -> None:
    assert [*batches([])] == []
