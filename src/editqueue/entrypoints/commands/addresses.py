"""What a server is called by, and what will not work for those who cannot call it so."""

from ipaddress import ip_address

from editqueue.settings import Settings

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  # compared, not bound


def base_url(host: str, port: int) -> str:
    """What a browser on this machine reaches; 0.0.0.0 is an address to listen on, not to call."""
    called = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{called}]:{port}" if ":" in called else f"http://{called}:{port}"


def public_url(settings: Settings, host: str, port: int) -> str:
    """What browsers call this server by, as far as it can know."""
    return settings.public_url or base_url(host, port)


def review_link(url: str, order_id: str, token: str) -> str:
    """The review page, signed in. Browsers keep what follows # to themselves: no server and no log sees the token."""
    return f"{url}/orders/{order_id}/review#token={token}"


def out_of_reach(settings: Settings, host: str, port: int, *, signs: bool) -> str | None:
    """What will not work for browsers elsewhere, and what to set; None where nothing is known to be wrong.

    `signs` is for a local bucket, whose signed URLs lead to this server.
    """
    if settings.public_url is not None or _is_loopback(host):
        return None
    url = base_url(host, port)
    here = "on this machine alone" if host in _EVERYWHERE else f"where {host} can be reached, past any proxy"
    broken = "uploads, previews and the review page's link work" if signs else "the review page's link works"
    return (
        f"Links begin with {url}: {broken} {here}. Set EDITQUEUE_PUBLIC_URL to what browsers call this server, "
        "for example EDITQUEUE_PUBLIC_URL=https://edit.pix.immo"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
