"""`python -m tests.web.screenshots`: the review page of an order half way through, into docs/screenshots/."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, Page, expect

from editqueue.domain.messages import BROKEN, REASONS
from editqueue.entrypoints.commands.demo_photos import EDITED, PICTURES, WAITING
from tests.web.browser import chromium
from tests.web.mock_api import NOW, ORDER, SITE, JsonObject, MockApi, a_file, a_notification

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES: Final = ((360, 780), (768, 1024), (1440, 1000))
SHOWN: Final = (1, 12, 6, 9, 14, 7, 2, 13, 8, 10, 16, 11)
"""Which of the demo's photos, in this order."""
ROOMS: Final = tuple(next(room for room in (*EDITED, *WAITING) if room.number == number) for number in SHOWN)


def half_way() -> MockApi:
    statuses = ["done"] * 6 + ["in_progress", "queued", "queued", "failed", "uploaded", "uploaded"]
    files = [_file(number, status) for number, status in enumerate(statuses, start=1)]
    files[0]["approved"] = files[2]["approved"] = True
    files[4]["ver"] = 2
    files[10]["marked"] = True
    notifications = [a_notification(number, f"f{number}", message=_message(number)) for number in range(1, 4)]
    reason = BROKEN.format(name=files[9]["name"], reason=REASONS["broken_picture"])
    notifications.append(a_notification(10, "f10", type="revision_required", message=reason))
    api = MockApi(files, notifications)
    api.picture = _room
    return api


def before_the_first_job() -> MockApi:
    return MockApi([_file(number, "uploaded") for number in range(1, len(ROOMS) + 1)])


def _file(number: int, status: str) -> JsonObject:
    room = ROOMS[number - 1].kind
    name = f"2026-11-24-HX4K2P_{room}_{number:03}_v1.jpg"
    return a_file(number, status, name=name, room_type=room)


def _room(path: str) -> bytes:
    number = int(path.removeprefix("/preview/f").removesuffix(".jpg"))
    return (PICTURES / ROOMS[number - 1].picture).read_bytes()


def _message(number: int) -> str:
    return f"Ihr Foto „2026-11-24-HX4K2P_{ROOMS[number - 1].kind}_{number:03}_v1.jpg“ ist fertig bearbeitet."


@asynccontextmanager
async def shown(browser: Browser, api: MockApi, width: int, height: int, scheme: str) -> AsyncGenerator[Page]:
    page = await browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
    )
    await page.clock.install(time=NOW)
    await api.attach(page)
    await page.goto(f"{SITE}/orders/{ORDER}/review")
    await expect(page.locator(".tile")).to_have_count(12)
    await api.quiet(page)  # until then no photo has begun to load
    await expect(page.locator("[data-picture=loading]")).to_have_count(0)
    yield page
    await page.close()


async def take(browser: Browser, width: int, height: int, scheme: str) -> None:
    async with shown(browser, half_way(), width, height, scheme) as page:
        await _save(page, f"review-{width}-{scheme}")
        if scheme == "light" and width != SIZES[1][0]:  # the large view is dark, always
            await _large(page, width)


async def _large(page: Page, width: int) -> None:
    await page.locator("[data-id=f2] .open").click()
    await expect(page.locator("#large-image")).to_be_visible()
    await _save(page, f"large-{width}")


async def _save(page: Page, name: str) -> None:
    shot = Image.open(io.BytesIO(await page.screenshot(animations="disabled")))
    FOLDER.mkdir(parents=True, exist_ok=True)
    shot.convert("RGB").save(FOLDER / f"{name}.webp", quality=88, method=6)


async def main() -> None:
    async with chromium() as browser:
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                await take(browser, width, height, scheme)
        width, height = SIZES[-1]
        async with shown(browser, before_the_first_job(), width, height, "light") as page:
            await _save(page, f"before-{width}")


if __name__ == "__main__":
    asyncio.run(main())
