"""A customer of the deployed Worker: uploads a photo through a signed URL, submits it, and waits for its preview."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from deploy.cloudflare.rollout.problem import Problem

UNTIL_IT_ANSWERS = 180.0
"""Seconds: a new name on workers.dev and new keys of R2 take a while to be known everywhere."""
UNTIL_DONE = 300.0
"""Seconds: the message comes within seconds; if it gets lost, the cron does the job within two minutes."""
BETWEEN = 1.0
"""Seconds between two looks."""
PATIENCE = 60
MIME = "image/jpeg"
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Customer:
    http: httpx.Client
    url: str
    token: str
    pause: Callable[[float], None]
    clock: Callable[[], float]

    def wait_for_the_worker(self) -> None:
        """Raises Problem."""
        self._until(UNTIL_IT_ANSWERS, "answered no request", lambda: self._try("GET", "/healthz"))

    def upload(self, photo: bytes, *, order_id: str) -> str:
        """The id of the file, uploaded, finalized and marked. Raises Problem."""
        intent = {"filename": "trial.jpg", "mime": MIME, "order_id": order_id}
        grant = self._ask("POST", "/api/uploads/intent", intent)
        self._until(UNTIL_IT_ANSWERS, "gave a signed URL that took no upload", lambda: self._put(grant, photo))
        finalize = {"object_key": grant["object_key"], "bytes": len(photo)}
        file_id = self._ask("POST", "/api/uploads/finalize", finalize)["file_id"]
        self._ask("POST", "/api/files/bulk-mark", {"ids": [file_id], "marked": True})
        return file_id

    def edit(self, file_id: str, *, order_id: str) -> str:
        """Submit the photo; the signed URL of its preview. Raises Problem."""
        self._ask("POST", f"/api/orders/{order_id}/submit-edits", {"files": [file_id]})
        preview = self._until(UNTIL_DONE, "made no preview", lambda: self._preview(file_id, order_id))
        return preview["url"]

    def fetch(self, url: str) -> httpx.Response:
        """Raises Problem."""
        try:
            answer = self.http.get(url, timeout=PATIENCE)
        except httpx.TransportError as error:
            raise Problem(f"the signed URL of the preview cannot be reached ({error})") from error
        if not answer.is_success:
            raise Problem(f"the signed URL of the preview answered {answer.status_code}: check the keys of R2")
        return answer

    def _preview(self, file_id: str, order_id: str) -> Any:
        status = self._try("GET", f"/api/orders/{order_id}/status")
        if status is not None and status["failed"]:
            raise Problem("the job of the trial photo failed: `wrangler tail` shows why when you run the command again")
        return self._try("GET", f"/api/files/{file_id}/preview") if status is not None and status["done"] else None

    def _put(self, grant: Any, photo: bytes) -> bool | None:
        try:
            answer = self.http.put(grant["signed_url"], content=photo, headers=grant["headers"], timeout=PATIENCE)
        except httpx.TransportError:
            return None
        # 412: an earlier PUT arrived, and its answer did not
        return True if answer.is_success or answer.status_code == HTTPStatus.PRECONDITION_FAILED else None

    def _until(self, seconds: float, complaint: str, look: Callable[[], Found | None]) -> Found:
        """The first find, within `seconds`. Raises Problem with the complaint."""
        deadline = self.clock() + seconds
        while True:
            found = look()
            if found is not None:
                return found
            if self.clock() > deadline:
                raise Problem(f"{self.url} {complaint} for {seconds:g} s: `wrangler tail` shows why")
            self.pause(BETWEEN)

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise Problem(f"{answer.url} answers, and not as the Worker does: check --url") from error

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._try(method, path, body)
        if answer is None:
            raise Problem(f"{self.url}{path} does not answer: `wrangler tail` shows why")
        return answer

    def _try(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON; None for what may pass. Raises Problem for a refusal."""
        try:
            answer = self.http.request(
                method, self.url + path, json=body, headers={"Authorization": f"Bearer {self.token}"}, timeout=PATIENCE
            )
        except httpx.TransportError:
            return None
        if answer.is_success:
            return self._json(answer)
        if answer.is_server_error or answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise Problem(f"the Worker answered {answer.status_code} to {path}: {answer.text[:300]}")
