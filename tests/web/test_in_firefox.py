"""The page in another browser: it starts, shows, marks, opens and goes back. `make test-firefox` runs it."""

from pathlib import Path

import pytest

from tests.web.far_away import served
from tests.web.firefox import firefox
from tests.web.mock_api import MockApi, a_file

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.firefox]

TILE = "document.querySelector('[data-id={}] {}')"


async def test_the_page_does_in_firefox_what_it_does_in_chromium(tmp_path: Path) -> None:
    api = MockApi([a_file(number, "done" if number > 2 else "uploaded") for number in range(1, 41)])
    async with served(api) as link, firefox(tmp_path / "profile") as page:
        await page.open(f"{link}#token=abc")
        await page.until("document.querySelectorAll('.tile').length === 40")
        await page.until("document.querySelector('[data-picture=loaded]') !== null")
        assert await page.evaluate("location.hash") == ""
        assert await page.evaluate("document.querySelector('#progress-line').textContent") == "38 von 38 fertig"
        await page.evaluate(f"{TILE.format('f1', '.open')}.focus()")
        await page.press("x")
        await page.until(f"{TILE.format('f1', 'input')}.checked")
        await page.until("document.querySelector('#submit-line').textContent === '1 Foto ausgewählt'")
        await page.evaluate(f"{TILE.format('f3', '.open')}.click()")
        await page.until("document.querySelector('#lightbox').open && !document.querySelector('#large-image').hidden")
        await page.press("a")
        await page.until("document.querySelector('#large-name').textContent === 'IMG_0004.jpg'")
        await page.back()
        await page.until("!document.querySelector('#lightbox').open && location.hash === ''")
        await page.until(f"document.activeElement === {TILE.format('f4', '.open')}")
