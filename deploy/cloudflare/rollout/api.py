"""Cloudflare's API over HTTP: JSON in and out, and every failure as one line."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from deploy.cloudflare.rollout.problem import Problem
from deploy.cloudflare.rollout.rights import missing_right

BASE_URL = "https://api.cloudflare.com/client/v4"
PATIENCE = 60
"""Seconds for one answer: making a database takes several."""
HOPELESS = (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL)
"""Another attempt would end the same way."""
ATTEMPTS = 4
"""Of a call that only reads, and of one that was refused for coming too often."""
LONGEST_WAIT = 60
"""Seconds between two attempts, whatever Cloudflare asks for."""
R2_IS_OFF = 10042
"""Cloudflare's number for an account that never took up R2."""
GO_ON = "then run the command again, it goes on where it stopped"


class NotThere(Problem):
    """What was asked for does not exist."""


class Refused(Problem):
    """Cloudflare refused what was sent."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MissingRight(Problem):
    """The token may not do it."""


@dataclass(frozen=True, kw_only=True)
class Api:
    http: httpx.Client
    """With the token in its headers."""
    base_url: str = BASE_URL
    pause: Callable[[float], None] = time.sleep

    def get(
        self, path: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return self.call("GET", path, params=params, headers=headers)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The `result` of the answer. Raises NotThere and Problem."""
        answer = self._answer(method, path, body=body, params=params, headers=headers)
        try:
            told = answer.json()
            result: Any = told["result"]
            errors: list[dict[str, Any]] = told.get("errors") or []
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Problem(
                f"{self._host()} answered {answer.status_code} to {path} without JSON of its own: {GO_ON}"
            ) from error
        if answer.is_success:
            return result
        told_why: dict[str, Any] = errors[0] if errors else {}
        raise self._failure(
            answer.status_code, path, code=told_why.get("code", 0), message=told_why.get("message", "no reason given")
        )

    def _answer(self, method: str, path: str, **parts: Any) -> httpx.Response:
        body = parts.pop("body")
        content = {} if body is None else {"json": body}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self.http.request(method, self.base_url + path, timeout=PATIENCE, **content, **parts)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                if method == "GET" and attempt < ATTEMPTS and not isinstance(error, HOPELESS):
                    self.pause(attempt)
                    continue
                raise Problem(f"{self._host()} cannot be reached ({error}): check the network, {GO_ON}") from error
            again = answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or (method == "GET" and answer.is_server_error)
            if not again or attempt == ATTEMPTS:
                return answer
            self.pause(_asked_wait(answer, attempt))
        raise AssertionError("the last attempt returns or raises")

    def _failure(self, status: int, path: str, *, code: int, message: str) -> Exception:
        if status == HTTPStatus.NOT_FOUND:
            return NotThere(f"Cloudflare has no {path}: {message} (code {code})")
        if status == HTTPStatus.UNAUTHORIZED:
            return Problem(
                f"Cloudflare does not know CLOUDFLARE_API_TOKEN ({message}): make one at dash.cloudflare.com > "
                "My Profile > API Tokens > Create Custom Token; docs/cloudflare_worker.md lists its rights"
            )
        if status == HTTPStatus.FORBIDDEN:
            return _forbidden(path, code=code, message=message)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Problem(f"{self._host()} answered {status} to {path} ({message}): wait a little, {GO_ON}")
        return Refused(code, f"Cloudflare refused {path}: {message} (code {code})")

    def _host(self) -> str:
        return urlsplit(self.base_url).netloc or self.base_url


def _forbidden(path: str, *, code: int, message: str) -> Problem:
    if code == R2_IS_OFF:
        return Refused(
            code, "R2 is not switched on for this account: dash.cloudflare.com > R2 object storage, then run this again"
        )
    return MissingRight(f"{missing_right(path)} (Cloudflare: {message}, code {code})")


def _asked_wait(answer: httpx.Response, attempt: int) -> float:
    """Seconds that the answer asks for, or one more each time."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT) if asked.isdecimal() else float(attempt)
