"""What image workers read from: a folder, or an S3 server that stops in the middle when a test wants it to."""

import contextlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from devtools.pictures.samples import encoded, scene
from editqueue.adapters.bucket.local.folder import LocalFolder
from editqueue.adapters.bucket.local.marker import read_marker
from editqueue.adapters.bucket.reader import ObjectReaders
from editqueue.adapters.bucket.s3.client import S3Client


class Storage:
    """`good.jpg` is a picture, `hang.jpg` never answers, `cut.jpg` and `cut-large.jpg` end early; no other is there."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.asked = threading.Event()
        """A worker has asked for `hang.jpg` and waits."""
        self.headers: list[dict[str, str]] = []
        """Of every request, with its `path`; names in small letters."""
        self.hung_up = threading.Event()
        """That worker is gone: its connection has ended."""

    def readers(self, *, patience: timedelta = timedelta(minutes=5)) -> ObjectReaders:
        """They wait `patience` for one request, and for all of one object."""
        return s3_readers(self.endpoint, patience=patience)


def s3_readers(endpoint: str, *, patience: timedelta = timedelta(minutes=5)) -> ObjectReaders:
    client = S3Client(
        bucket="media",
        endpoint=endpoint,
        access_key_id="key",
        secret_access_key="secret",
        timeout=patience,
        retry_timeout=patience,
    )
    return ObjectReaders(backend=client, patience=patience)


def folder_readers(folder: Path, *, patience: timedelta = timedelta(minutes=2)) -> ObjectReaders:
    backend = LocalFolder(path=folder, bucket_id=read_marker(folder), longest_call=patience)
    return ObjectReaders(backend=backend, patience=patience)


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    picture: bytes
    opened: Storage

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        named = {name.lower(): value for name, value in self.headers.items()}
        self.opened.headers.append({**named, "path": self.path})
        if self.path.endswith("/hang.jpg"):
            self._hang()
            return
        found = self.path.endswith(("/good.jpg", "/cut.jpg", "/cut-large.jpg"))
        asked = self.headers.get("Range")
        whole = len(self.picture) + (500_000 if self.path.endswith("-large.jpg") else 0)
        start, end = map(int, asked.removeprefix("bytes=").split("-")) if asked else (0, whole - 1)
        end = min(end, whole - 1)
        body = (self.picture + bytes(whole - len(self.picture)))[start : end + 1] if found else b""
        self.send_response((206 if asked else 200) if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{whole}")
        self.send_header("ETag", '"one"')
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 12:00:00 GMT")
        self.end_headers()
        if with_body and "/cut" in self.path and (start or not self.path.endswith("-large.jpg")):
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif with_body:
            self.wfile.write(body)

    def _hang(self) -> None:
        self.opened.asked.set()
        with contextlib.suppress(ConnectionError):
            while self.connection.recv(1024):
                pass
        self.close_connection = True
        self.opened.hung_up.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base class
        """Silent."""


@contextmanager
def storage() -> Generator[Storage]:
    class Answers(_Answers):
        picture = encoded(scene(640, 400))

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        Answers.opened = Storage(server.server_port)
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield Answers.opened
        finally:
            server.shutdown()
            serving.join()
