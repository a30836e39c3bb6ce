"""What goes wrong around the page: storage, clocks, texts, names, formats. It goes on, and says what is so."""

import asyncio
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import Opened
from tests.web.mock_api import NOW, ORDER, SITE, MockApi, Refusal, a_file, a_notification, stamp

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATUS = f"**/api/orders/{ORDER}/status"
NO_STORAGE = """
  const refuse = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: refuse });
"""


async def look_again(page: Page, api: MockApi, *, after: int) -> None:
    async with page.expect_request(STATUS):
        await page.clock.fast_forward(after)
    await api.quiet(page)


async def test_a_browser_that_stores_nothing_still_shows_and_signs_in(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")], [a_notification(1, "f1")])
    page = await opened(api, init=NO_STORAGE, fragment="#token=abc")
    await expect(page.locator(".picture")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await page.locator("#bell").click()
    await page.locator("#bell").click()

    await expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    assert set(api.authorization) == {"Bearer abc"}


async def test_a_clock_that_is_hours_off_neither_renews_without_end_nor_loses_the_picture(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.clock = lambda: NOW - timedelta(hours=3)
    page = await opened(api, clock=NOW)
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    await expect(page.get_by_role("link", name="Vorschau in neuem Tab öffnen")).to_be_visible()
    signed = api.signed
    await page.clock.run_for(20_000)
    await api.quiet(page)

    assert api.signed == signed


async def test_a_large_preview_that_cannot_be_loaded_is_not_tried_at_every_look(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2, "in_progress")])
    api.picture = lambda _: b"not a picture"
    page = await opened(api, clock=NOW)
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    await expect(page.locator("#card-hint")).to_have_text("Vorschau gerade nicht ladbar")
    await api.quiet(page)
    signed = api.signed
    for _ in range(3):
        await look_again(page, api, after=2_100)

    assert api.signed == signed


async def test_a_preview_is_fetched_from_the_bucket_once(opened: Opened) -> None:
    api = MockApi([a_file(number, "done") for number in range(1, 7)])
    page = await opened(api)
    await expect(page.locator(".picture:visible")).to_have_count(6)
    await api.quiet(page)

    assert (api.signed, api.pictures_sent) == (6, 6)


async def test_previews_that_failed_with_the_network_come_back_with_it(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2, "in_progress")])
    api.refuse["/preview"] = Refusal(503, "storage_unavailable")
    page = await opened(api, clock=NOW)
    await expect(page.locator("[data-id=f1] .picture-hint")).to_have_text("Vorschau gerade nicht ladbar")
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    await expect(page.locator("#card-hint")).to_have_text("Vorschau gerade nicht ladbar")
    api.lost = True
    await page.clock.fast_forward(2_100)
    await expect(page.get_by_role("alert")).to_contain_text("Keine Verbindung")
    api.lost = False
    api.refuse.clear()
    await page.clock.fast_forward(2_100)

    await expect(page.locator("#large-image")).to_be_visible()
    await expect(page.locator("[data-id=f1] .picture")).to_be_attached()


async def test_texts_that_cannot_be_loaded_are_said_to_be_missing_and_loaded_later(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.site_lost = "de.json"
    page = await opened(api, clock=NOW)
    await expect(page.locator("#start-problem")).to_be_visible()
    api.site_lost = ""
    await page.clock.fast_forward(2_100)

    await expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Fotos")
    await expect(page.locator("#start-problem")).to_be_hidden()
    await expect(page.locator(".tile")).to_have_count(1)


async def test_a_language_that_cannot_be_loaded_changes_nothing_and_says_so(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api)
    await expect(page.locator(".tile")).to_have_count(1)
    api.site_lost = "en.json"
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("alert")).to_contain_text("Die Sprache konnte nicht geladen werden.")
    api.site_lost = ""
    await page.get_by_role("button", name="English").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Your photos")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_message_speaks_the_language_that_is_chosen_afterwards(opened: Opened) -> None:
    api = MockApi([a_file(1)])
    api.refuse["/bulk-mark"] = Refusal(409, "file_locked", "f1")
    page = await opened(api)
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").click()
    await expect(page.get_by_role("alert")).to_contain_text("gesperrt: „IMG_0001.jpg“.")
    await page.get_by_role("button", name="English").click()

    await expect(page.get_by_role("alert")).to_contain_text("locked: “IMG_0001.jpg”.")


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (Refusal(503, "storage_unavailable"), "Bitte versuchen Sie es in einer Minute noch einmal."),
        (Refusal(408, "body_too_slow"), "Bitte versuchen Sie es in einer Minute noch einmal."),
        (Refusal(403, "foreign_origin"), "Bitte öffnen Sie die Seite über pix.immo."),
        (Refusal(404, "file_not_found", "f1"), "Dieses Foto gibt es nicht mehr."),
        (Refusal(409, "file_not_done", "f1"), "Noch nicht fertig bearbeitet: „IMG_0001.jpg“."),
        (Refusal(409, "job_active", "f1"), "Wartet schon auf die Bearbeitung: „IMG_0001.jpg“."),
    ],
)
async def test_a_refused_action_says_what_to_do(opened: Opened, refusal: Refusal, says: str) -> None:
    api = MockApi([a_file(1, "done")])
    api.refuse["/approve"] = refusal
    page = await opened(api, clock=NOW)
    await page.get_by_role("button", name="IMG_0001.jpg freigeben").click()
    await page.clock.fast_forward(5_100)

    await expect(page.get_by_role("alert")).to_contain_text(says)
    await expect(page.get_by_role("button", name="IMG_0001.jpg freigeben")).to_be_visible()


async def test_an_address_that_is_no_address_finds_no_order(opened: Opened) -> None:
    api = MockApi([])
    api.refuse["/api/orders//"] = Refusal(404, "not_found")
    page = await opened(api, path=f"{SITE}/orders/%E0%A4%A/review")

    await expect(page.get_by_role("alert")).to_contain_text("Diesen Auftrag gibt es nicht")


async def test_the_last_of_two_quick_clicks_wins_however_slow_the_network(opened: Opened) -> None:
    api = MockApi([a_file(1)])
    api.hold["/bulk-mark"] = asyncio.Event()
    page = await opened(api)
    box = page.get_by_label("Bearbeiten lassen: IMG_0001.jpg")
    async with page.expect_request("**/bulk-mark"):
        await box.check()
    await box.uncheck()
    assert [body["marked"] for body in api.asked("POST", "/bulk-mark")] == [True]
    async with page.expect_request("**/bulk-mark"):
        api.hold["/bulk-mark"].set()
    await api.quiet(page)

    assert [body["marked"] for body in api.asked("POST", "/bulk-mark")] == [True, False]
    await expect(box).not_to_be_checked()


async def test_a_photo_whose_original_is_missing_stays_sendable_when_it_is_marked_elsewhere(opened: Opened) -> None:
    gone = a_notification(1, "f1", type="revision_required", message="Das Original wurde nicht gefunden.")
    api = MockApi([a_file(1, "queued", updated_at=gone["created_at"])], [gone])
    page = await opened(api, clock=NOW)
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("Original fehlt")
    await api.quiet(page)
    for number, marked in enumerate((False, True), start=1):
        api.file("f1").update(marked=marked, updated_at=stamp(NOW + timedelta(minutes=number)))
        await look_again(page, api, after=31_000)
        await expect(page.locator("[data-id=f1] .badge")).to_have_text("Original fehlt")
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").check()
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()

    await expect(page.locator("[data-id=f1] .badge")).to_have_text("In der Warteschlange")
    assert api.asked("POST", "/submit-edits") == [{"files": ["f1"], "express": False}]


async def test_an_order_that_waits_for_the_customer_alone_is_asked_seldom(opened: Opened) -> None:
    gone = a_notification(1, "f1", type="revision_required", message="Das Original wurde nicht gefunden.")
    api = MockApi([a_file(1, "queued", updated_at=gone["created_at"])], [gone])
    page = await opened(api, clock=NOW)
    await expect(page.locator(".tile")).to_have_count(1)
    await api.quiet(page)
    await page.clock.fast_forward(25_000)
    await api.quiet(page)

    assert len(api.asked("GET", "/status")) == 1


async def test_a_queue_that_stands_still_is_asked_less_often(opened: Opened) -> None:
    api = MockApi([a_file(1, "queued")])
    page = await opened(api, clock=NOW)
    await expect(page.locator(".tile")).to_have_count(1)
    await api.quiet(page)
    await look_again(page, api, after=2_100)
    await look_again(page, api, after=60_000)
    before = len(api.asked("GET", "/status"))
    await page.clock.fast_forward(5_000)
    await api.quiet(page)
    assert len(api.asked("GET", "/status")) == before
    await look_again(page, api, after=1_100)


async def test_a_slow_network_shows_what_is_on_its_way(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.hold["/preview"] = asyncio.Event()
    api.hold["/files"] = asyncio.Event()
    page = await opened(api)
    await expect(page.locator("#notice")).to_have_text("Ihre Fotos werden geladen …")
    api.hold.pop("/files").set()
    await expect(page.locator(".picture-hint")).to_have_text("Vorschau wird geladen …")
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    await expect(page.locator("#card-hint")).to_have_text("Vorschau wird geladen …")
    api.hold["/preview"].set()

    await expect(page.locator("#large-image")).to_be_visible()
    await expect(page.locator("#stage-empty")).to_be_hidden()
