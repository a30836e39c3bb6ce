"""Chromium from Debian, driven by playwright; nothing is downloaded."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright

ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING: Final = "Chromium is not installed; on Debian: apt-get install chromium"


def chromium_path() -> Path | None:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else None


class Devtools:
    """What Chromium does for its own developer tools: fingers, slow networks, slow processors."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    async def send(self, method: str, **parameters: Any) -> None:
        # reportUnknownMemberType: playwright's own type of the parameters is a dict of anything
        await self._session.send(method, parameters)  # pyright: ignore[reportUnknownMemberType]


async def devtools(page: Page) -> Devtools:
    return Devtools(await page.context.new_cdp_session(page))


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A running browser. Raises FileNotFoundError without Chromium."""
    path = chromium_path()
    if path is None:
        raise FileNotFoundError(MISSING)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*ARGS])
        try:
            yield browser
        finally:
            await browser.close()
