"""What a server is called by, and what does not work for those who cannot call it so."""

import pytest

from editqueue.entrypoints.commands.addresses import base_url, out_of_reach, public_url
from editqueue.settings import Settings

PUBLIC = "https://edit.pix.immo"


def settings_with(url: str | None = None) -> Settings:
    return Settings.model_validate({"EDITQUEUE_PUBLIC_URL": url})


@pytest.mark.parametrize(
    ("host", "called"),
    [
        ("127.0.0.1", "http://127.0.0.1:8787"),
        ("0.0.0.0", "http://127.0.0.1:8787"),
        ("::", "http://[::1]:8787"),
        ("::1", "http://[::1]:8787"),
        ("edit.local", "http://edit.local:8787"),
    ],
)
def test_a_server_is_called_by_where_it_listens_unless_told_otherwise(host: str, called: str) -> None:
    assert base_url(host, 8787) == public_url(settings_with(), host, 8787) == called
    assert public_url(settings_with(PUBLIC), host, 8787) == PUBLIC


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_this_machine_alone_nothing_is_missing(host: str) -> None:
    assert out_of_reach(settings_with(), host, 8787, signs=True) is None


def test_who_says_what_the_server_is_called_by_is_told_nothing() -> None:
    assert out_of_reach(settings_with(PUBLIC), "0.0.0.0", 8787, signs=True) is None


@pytest.mark.parametrize(
    ("host", "signs", "says"),
    [
        ("0.0.0.0", True, "uploads, previews and the review page's link work on this machine alone"),
        ("::", True, "Links begin with http://[::1]:8787"),
        ("0.0.0.0", False, "the review page's link works on this machine alone"),
        ("192.168.1.5", True, "work where 192.168.1.5 can be reached, past any proxy"),
    ],
)
def test_elsewhere_it_is_said_what_will_not_work_and_what_to_set(host: str, signs: bool, says: str) -> None:
    said = out_of_reach(settings_with(), host, 8787, signs=signs) or ""

    assert says in said
    assert "EDITQUEUE_PUBLIC_URL=https://edit.pix.immo" in said
