"""The bucket on S3: Cloudflare R2, or any server that speaks it.

No ACL header is ever sent: R2 has none, and a copy is as private as its bucket.
"""

from collections.abc import Sequence
from datetime import datetime

import obstore

from editqueue.adapters.bucket.probing import try_out
from editqueue.adapters.bucket.reads import ReadsObjects, translate_errors
from editqueue.adapters.bucket.s3.client import S3Client
from editqueue.adapters.bucket.s3.sigv4 import Credentials
from editqueue.adapters.bucket.s3.urls import S3Urls
from editqueue.adapters.bucket.valid_keys import check_key
from editqueue.ports.time import Clock


class S3Bucket(ReadsObjects):
    """`list` comes in the server's order: on S3 and R2 that is key order, SeaweedFS walks its folders."""

    def __init__(self, client: S3Client, *, clock: Clock, system: Clock) -> None:
        """`clock` is for signed URLs, `system` for our own requests: all by the same clock as those of obstore."""
        super().__init__(client, name=client.bucket)
        credentials = Credentials(
            access_key_id=client.access_key_id, secret_access_key=client.secret_access_key, region=client.region
        )
        urls = S3Urls(endpoint=client.endpoint, bucket=client.bucket, credentials=credentials, clock=clock)
        self.sign_get, self.sign_put = urls.sign_get, urls.sign_put
        from editqueue.adapters.bucket.s3.copies import S3Copies  # noqa: PLC0415  # httpx, only where the bucket is S3

        self._copies = S3Copies(client, urls, clock=system)

    async def write(self, key: str, body: bytes, *, content_type: str) -> None:
        attributes: obstore.Attributes = {"Content-Type": content_type}
        with translate_errors(self._backend, check_key(key)):
            await obstore.put_async(self._store, key, body, attributes=attributes, use_multipart=False)

    async def copy(self, source: str, target: str, *, etag: str | None = None) -> None:
        await self._copies.copy(check_key(source), check_key(target), etag=etag)

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        with translate_errors(self._backend, ", ".join(keys)):
            await obstore.delete_async(self._store, keys)

    async def now(self) -> datetime:
        return await try_out(self)

    async def probe(self) -> datetime:
        return await try_out(self)

    async def close(self) -> None:
        await self._copies.close()
