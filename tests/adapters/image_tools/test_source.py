"""What a worker asks the bucket, and what it does not listen to."""

import pytest

from tests.adapters.image_tools.storage import storage

AWS_ENVIRONMENT = {
    "AWS_ENDPOINT": "http://127.0.0.1:1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_SESSION_TOKEN": "strange",
    "AWS_ACCESS_KEY_ID": "strange",
    "AWS_REGION": "strange",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    "AWS_S3_EXPRESS": "true",
}


@pytest.mark.parametrize("name", AWS_ENVIRONMENT)
def test_the_environment_of_other_aws_tools_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, AWS_ENVIRONMENT[name])
    with storage() as media:
        body = media.config.open("good.jpg").read_all()

    assert body.startswith(b"\xff\xd8")
    for asked in media.headers:
        assert asked["path"] == "/media/good.jpg"
        assert "Credential=key/" in asked["authorization"]
        assert "/auto/s3/aws4_request" in asked["authorization"]
        assert "x-amz-security-token" not in asked
