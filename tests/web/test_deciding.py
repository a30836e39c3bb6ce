"""What the page says of a photo, and from what: never from the newest notifications alone."""

import asyncio
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from devtools.patience import PATIENCE
from editqueue.domain import messages
from tests.web.conftest import Opened
from tests.web.mock_api import NOW, JsonObject, MockApi, Refusal, a_file, a_notification, stamp

pytestmark = pytest.mark.asyncio(loop_scope="session")

EARLIER = stamp(NOW - timedelta(hours=2))
SENT = {
    "raw_missing": messages.RAW_MISSING,
    **{code: messages.BROKEN.replace("{reason}", reason) for code, reason in messages.REASONS.items()},
    "other": messages.BROKEN.replace("{reason}", messages.OTHER_REASON),
    "gave_up": messages.GAVE_UP,
}
"""Every sentence that the consumer writes to a customer, by what was wrong."""
SAYS = {
    "raw_missing": "Das Original fehlt. Bitte laden Sie das Foto erneut hoch.",
    "broken_picture": "Die Datei ist beschädigt. Bitte laden Sie das Foto erneut hoch.",
    "not_a_picture": "Die Datei ist kein Bild. Bitte laden Sie das Foto erneut hoch.",
    "over_limit": "Das Bild ist zu groß für die Bearbeitung. Bitte laden Sie es kleiner hoch.",
    "other": "Die Datei konnte nicht gelesen werden. Bitte laden Sie das Foto erneut hoch.",
    "gave_up": "Die Bearbeitung ist mehrmals gescheitert. Versuchen Sie es noch einmal, oder melden Sie sich bei uns.",
}


def failed(number: int, message: str, **fields: str) -> JsonObject:
    name = f"IMG_{number:04}.jpg"
    return a_notification(number, f"f{number}", type="revision_required", message=message.format(name=name), **fields)


def of_another_order(number: int) -> JsonObject:
    return a_notification(number, f"other{number}", order_id="another")


def with_newer(count: int, *older: JsonObject) -> list[JsonObject]:
    """As many newer notifications of another order as there are before those of this one."""
    return [*older, *(of_another_order(number) for number in range(1000, 1000 + count))]


async def badge(page: Page, file_id: str) -> str:
    return await page.locator(f"[data-id={file_id}] .badges .badge").inner_text()


async def offers(page: Page, file_id: str) -> list[str]:
    found = page.locator(f"[data-id={file_id}] [data-act]:not([data-act=open])")
    return await found.evaluate_all("all => all.map(one => one.dataset.act)")


async def test_a_missing_original_is_told_however_many_newer_notifications_there_are(opened: Opened) -> None:
    missing = failed(1, messages.RAW_MISSING, created_at=EARLIER)
    files = [a_file(1, "queued", created_at=EARLIER, updated_at=EARLIER), a_file(2, "queued")]
    api = MockApi(files, with_newer(300, missing))
    page = await opened(api)
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("Original fehlt")
    assert await badge(page, "f2") == "In der Warteschlange"
    assert await offers(page, "f1") == ["mark", "remove"]
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").check()
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("In der Warteschlange")
    assert api.asked("POST", "/bulk-mark") == []
    assert api.asked("POST", "/submit-edits") == [{"files": ["f1"], "express": False}]


async def test_notifications_are_followed_only_as_far_back_as_a_photo_needs(opened: Opened) -> None:
    api = MockApi([a_file(1, "queued"), a_file(2, "done")], with_newer(900))
    page = await opened(api, clock=NOW)
    await expect(page.locator(".tile")).to_have_count(2)
    async with asyncio.timeout(PATIENCE):
        while len(api.asked("GET", "/notifications")) < 6:  # noqa: ASYNC110  # the browser asks
            await asyncio.sleep(0.02)
    await api.quiet(page)
    assert len(api.asked("GET", "/notifications")) == 6, "50, then 200 each, until they are older than the order"
    api.finish("f1")
    api.notifications.append(a_notification(5000, "f1"))
    async with page.expect_request("**/api/notifications*"):
        await page.clock.fast_forward(7_000)
    await api.quiet(page)
    assert len(api.asked("GET", "/notifications")) == 7, "what is known is not read again"


async def test_every_reason_is_said_and_only_what_can_help_is_offered(opened: Opened) -> None:
    numbers = dict(zip(SENT, range(1, 9), strict=False))
    files = [
        a_file(number, "queued" if reason == "raw_missing" else "failed", created_at=EARLIER)
        for reason, number in numbers.items()
    ]
    told = [failed(number, SENT[reason]) for reason, number in numbers.items()]
    page = await opened(MockApi(files, with_newer(100, *told)))
    for reason, number in numbers.items():
        await expect(page.locator(f"[data-id=f{number}] .reason")).to_have_text(SAYS[reason])
    hopeless = [f"f{numbers[reason]}" for reason in ("broken_picture", "not_a_picture", "over_limit", "other")]
    assert [await offers(page, file_id) for file_id in hopeless] == [["remove"]] * 4
    assert await offers(page, f"f{numbers['raw_missing']}") == ["mark", "remove"]
    assert await offers(page, f"f{numbers['gave_up']}") == ["mark", "revise", "remove"]
    await page.locator(f"[data-id={hopeless[0]}] .open").click()
    await expect(page.locator("#large-reason")).to_have_text(SAYS["broken_picture"])
    await expect(page.locator("#large-actions button:visible")).to_have_text(["Löschen"])
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="English").click()
    await expect(page.locator(f"[data-id={hopeless[0]}] .reason")).to_have_text(
        "The file is damaged. Please upload the photo again."
    )


async def test_a_file_name_never_decides_why_a_photo_failed(opened: Opened) -> None:
    name = "Die Datei ist kein Bild. wurde nicht gefunden.jpg"
    told = [a_notification(1, "f1", type="revision_required", message=messages.GAVE_UP.format(name=name))]
    page = await opened(MockApi([a_file(1, "failed", name=name)], told))
    await expect(page.locator(".reason")).to_have_text(SAYS["gave_up"])


async def test_failed_photos_are_not_sent_again_unless_they_are_chosen_anew(opened: Opened) -> None:
    files = [a_file(1, "failed"), a_file(2, "failed"), a_file(3, marked=True), a_file(4)]
    told = [failed(number, messages.GAVE_UP) for number in (1, 2)]
    api = MockApi(files, told)
    page = await opened(api)
    await expect(page.locator("#submit-line")).to_have_text("1 Foto ausgewählt")
    await page.get_by_label("Bearbeiten lassen: IMG_0002.jpg").check()
    await expect(page.locator("#submit-line")).to_have_text("2 Fotos ausgewählt")
    await page.reload()
    await expect(page.locator("#submit-line")).to_have_text("2 Fotos ausgewählt")
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    await expect(page.get_by_text("2 Fotos sind auf dem Weg.")).to_be_visible()
    assert api.asked("POST", "/submit-edits") == [{"files": ["f2", "f3"], "express": False}]
    api.file("f2")["status"] = "failed"
    await page.reload()
    await expect(page.locator("[data-id=f2] .badge")).to_have_text("Fehlgeschlagen")
    await expect(page.get_by_label("Bearbeiten lassen: IMG_0002.jpg")).not_to_be_checked()


async def test_a_photo_chosen_anew_is_marked_first_if_the_server_has_no_mark_of_it(opened: Opened) -> None:
    api = MockApi([a_file(1, "failed", marked=False)], [failed(1, messages.GAVE_UP)])
    page = await opened(api)
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").check()
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("In der Warteschlange")
    assert api.asked("POST", "/bulk-mark") == [{"ids": ["f1"], "marked": True}]
    await api.quiet(page)
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("In der Warteschlange")


async def test_the_bell_has_this_order_only_failures_first_and_counts_them_all(opened: Opened) -> None:
    files = [a_file(1, "failed", created_at=EARLIER), *(a_file(number, "done") for number in range(2, 90))]
    told = [failed(1, messages.GAVE_UP, created_at=EARLIER), *(a_notification(n, f"f{n}") for n in range(2, 90))]
    api = MockApi(files, with_newer(300, *told))
    page = await opened(api)
    await page.get_by_role("button", name="Mitteilungen, 89 neue").click()
    await expect(page.locator(".note-text").first).to_contain_text("trotz mehrerer Versuche")
    await expect(page.locator(".note")).to_have_count(50)
    await page.get_by_role("button", name="Ältere anzeigen").click()
    await expect(page.locator(".note")).to_have_count(89)
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.get_by_role("button", name="Mitteilungen", exact=True)).to_be_visible()


async def test_more_new_notifications_than_anybody_counts_are_not_counted(opened: Opened) -> None:
    files = [a_file(number, "done", created_at=EARLIER) for number in range(1, 401)]
    api = MockApi(files, [a_notification(number, f"f{number}") for number in range(1, 401)])
    page = await opened(api)
    await expect(page.get_by_role("button", name="Mitteilungen, mehr als 99 neue")).to_be_visible()
    await expect(page.locator("#bell-count")).to_have_text("99+")
    assert len(api.asked("GET", "/notifications")) == 2


async def test_who_never_signed_in_is_asked_to_and_sees_no_count_that_is_not_known(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.refuse["/api/"] = Refusal(401, "unauthenticated")
    page = await opened(api)
    await expect(page.get_by_role("alert")).to_contain_text("Bitte melden Sie sich an, um Ihre Fotos zu sehen")
    await expect(page.locator(".legend-item b")).to_have_text(["–"] * 4)
    await expect(page.locator("#progress-line")).to_have_text("")


async def test_before_the_first_job_a_photo_is_known_by_its_number_room_and_name(opened: Opened) -> None:
    page = await opened(MockApi([a_file(7), a_file(8, "queued", room_type=None)]))
    card = page.locator("[data-id=f7] .card")
    await expect(card.locator("> *")).to_have_text(
        ["7", "Wohnzimmer", "IMG_0007.jpg", "Ein Bild sehen Sie hier nach der Bearbeitung"]
    )
    await expect(page.locator("[data-id=f8] .card-room")).to_have_text("Bild 8")
    size = "node => parseFloat(getComputedStyle(node).fontSize)"
    assert await card.locator(".card-number").evaluate(size) >= 24
    assert await card.locator(".card-room").evaluate(size) >= 17
    await page.locator("[data-id=f7] .open").click()
    await expect(page.locator("#stage-empty > *")).to_have_text(
        ["7", "IMG_0007.jpg", "Ein Bild sehen Sie hier nach der Bearbeitung"]
    )
