"""What an image worker asks the bucket, and what it does not listen to."""

import pytest

from devtools.storage import storage
from tests.adapters.aws_environment import AWS_ENVIRONMENT


@pytest.mark.parametrize("name", AWS_ENVIRONMENT)
def test_the_environment_of_other_aws_tools_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, AWS_ENVIRONMENT[name])
    with storage() as media:
        source = media.readers().open("good.jpg")
        body = source.read(0, source.size())

    assert body.startswith(b"\xff\xd8")
    for asked in media.headers:
        assert asked["path"] == "/media/good.jpg"
        assert "Credential=key/" in asked["authorization"]
        assert "/auto/s3/aws4_request" in asked["authorization"]
        assert "x-amz-security-token" not in asked
