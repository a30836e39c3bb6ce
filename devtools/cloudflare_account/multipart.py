"""The parts of a multipart/form-data body, as wrangler uploads a Worker."""

import re

NAME = re.compile(rb'; name="([^"]*)"')
FILE_NAME = re.compile(rb'; filename="([^"]*)"')


def form_parts(body: bytes, *, boundary: str) -> dict[str, bytes]:
    """Content by file name, or by the name of the field where there is none."""
    parts = body.split(b"--" + boundary.encode())[1:-1]
    return dict(_part(part) for part in parts)


def _part(part: bytes) -> tuple[str, bytes]:
    head, _, content = part.partition(b"\r\n\r\n")
    found = FILE_NAME.search(head) or NAME.search(head)
    if found is None:
        raise ValueError(f"a part without a name: {head[:200]!r}")
    return found[1].decode(), content.removesuffix(b"\r\n")
