"""Chromium, driven by playwright."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.web.packaged_chromium import chromium_program

ARGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


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
    """A running browser. Raises NotInstalled."""
    program = chromium_program()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program.path, args=[*ARGS], env={**os.environ, **program.environment}
        )
        try:
            yield browser
        finally:
            await browser.close()
