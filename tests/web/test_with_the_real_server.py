"""The page on `editqueue serve` with its real consumer, bucket and database: what `make run` promises."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from devtools.installation import Installation
from devtools.patience import PATIENCE
from devtools.pictures.samples import encoded, scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def an_order_of(photos: Mapping[str, bytes], here: Installation) -> AsyncGenerator[str]:
    """A server with these uploaded; the link to the review page, made as its own output says."""
    order_id = here.run("order", "create", "--user-id", "anna").json()["order_id"]
    with here.start("serve", "--port", "0") as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            pattern = server.stdout.readline().removeprefix("Review page: ").strip()
            assert found is not None
            token = here.run("token", "--user-id", "anna").out.strip()
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=found[0], headers=headers, trust_env=False) as client:
                for name, body in photos.items():
                    await upload(client, order_id, name, body)
            yield pattern.replace("ORDER_ID", order_id).replace("TOKEN", token)
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)
    assert server.returncode == 0


async def upload(client: httpx.AsyncClient, order_id: str, name: str, body: bytes) -> None:
    wish = {"filename": name, "mime": "image/jpeg", "order_id": order_id, "room_type": "kitchen"}
    intent = (await client.post("/api/uploads/intent", json=wish)).json()
    (await client.put(intent["signed_url"], content=body, headers=intent["headers"])).raise_for_status()
    done = {"object_key": intent["object_key"], "bytes": len(body)}
    (await client.post("/api/uploads/finalize", json=done)).raise_for_status()


@asynccontextmanager
async def page_of(browser: Browser, link: str) -> AsyncGenerator[Page]:
    """The page; whatever its console calls an error fails the test."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(40_000)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        await page.goto(link)
        yield page
    finally:
        await page.close()
    assert problems == []


async def test_twelve_submitted_photos_become_previews_without_reloading(browser: Browser, tmp_path: Path) -> None:
    photos = {f"Küche {number:02}.jpg": encoded(scene(900 + number, 600)) for number in range(1, 13)}
    photos["text.jpg"] = b"just some text"
    async with an_order_of(photos, Installation(tmp_path / "data")) as link, page_of(browser, link) as page:
        await expect(page.locator(".tile")).to_have_count(13)
        assert page.url == link.partition("#")[0]
        await page.evaluate("window.sameDocument = true")
        await page.get_by_role("button", name="Alle auswählen").click()
        await page.locator("#submit").click()
        await page.get_by_label("Express").check()
        await page.locator("#submit-confirm").click()

        await expect(page.locator("#progress-line")).to_have_text("12 von 13 fertig")
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
        await expect(page.locator(".picture:visible")).to_have_count(12)
        widths: list[int] = await page.locator(".picture:visible").evaluate_all(
            "all => all.map(image => image.naturalWidth)"
        )
        assert sorted(widths) == [*range(901, 913)]
        failed = page.locator(".tile[data-status=failed]")
        await expect(failed.locator(".name")).to_have_text("text.jpg")
        await page.locator("#bell").click()
        await expect(page.locator(".is-revision_required")).to_contain_text("„text.jpg“ konnte nicht gelesen werden")
        await expect(page.locator(".note")).to_have_count(13)
        assert await page.evaluate("window.sameDocument") is True
