"""The queue of a server, where the package that it needs is not installed."""

import pytest

from editqueue.domain.errors import SetupError
from editqueue.settings import Settings
from editqueue.wiring.job_queue import look_at_queue, open_queue

QUEUE = {
    "EDITQUEUE_QUEUE": "cloudflare",
    "CLOUDFLARE_ACCOUNT_ID": "023e105f4ecef8ad9ca31a8372d0c353",
    "CLOUDFLARE_QUEUE_ID": "8f7e6d5c4b3a29181716151413121110",
    "CLOUDFLARE_API_TOKEN": "hidden-token",
}


@pytest.fixture(autouse=True)
def _without_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_none(_name: str) -> None: ...

    monkeypatch.setattr("editqueue.wiring.job_queue.find_spec", find_none)


async def test_a_queue_at_cloudflare_names_the_package_that_is_missing_and_how_to_get_it() -> None:
    settings = Settings.model_validate(QUEUE)

    found = await look_at_queue(settings)
    with pytest.raises(SetupError) as caught:
        open_queue(settings)

    assert found is not None
    assert (found.ok, found.transient) == (False, False)
    assert str(caught.value) == f"{found.detail}; {found.remedy}"
    assert "needs the package cloudflare, which is not installed" in found.detail
    assert "`make setup`" in found.remedy


async def test_any_other_queue_does_without() -> None:
    await open_queue(Settings.model_validate({})).close()
