"""A browser for the session, a fresh page for each test, and axe-core from npm."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from devtools.npm import install
from tests.web.browser import chromium
from tests.web.mock_api import ORDER, SITE, MockApi
from tests.web.tools import HERE

REVIEW = f"{SITE}/orders/{ORDER}/review"
expect.set_options(timeout=40_000)  # CI machines are busy
Opened = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncGenerator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def opened(browser: Browser) -> AsyncGenerator[Opened]:
    """Opens the review page on a mock. Everything that the page's console calls an error fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(40_000)
    problems: list[str] = []

    async def open_page(
        api: MockApi,
        *,
        clock: datetime | None = None,
        fragment: str = "",
        init: str = "",
        path: str = REVIEW,
        width: int = 1280,
    ) -> Page:
        page = await context.new_page()
        await page.set_viewport_size({"width": width, "height": 900})
        page.on("console", lambda message: problems.extend(_problem(message)))
        page.on("pageerror", lambda error: problems.append(str(error)))
        if clock is not None:
            await page.clock.install(time=clock)
        if init:
            await page.add_init_script(init)
        await api.attach(page)
        await page.goto(path + fragment)
        return page

    yield open_page
    await context.close()
    assert problems == []


def _problem(message: ConsoleMessage) -> list[str]:
    # Chromium reports every refused request and every try at HTML; those are what the tests are about.
    expected = "Failed to load resource" in message.text or "TrustedHTML" in message.text
    return [message.text] if message.type == "error" and not expected else []


@pytest.fixture(scope="session")
def axe_source() -> str:
    """axe-core, as package-lock.json says."""
    return (install(HERE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
