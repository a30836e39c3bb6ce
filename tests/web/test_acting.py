"""What a customer does, and what the page asks the server for it."""

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import Opened
from tests.web.mock_api import NOW, MockApi, Refusal, a_file, a_notification

pytestmark = pytest.mark.asyncio(loop_scope="session")

SUBMIT = "/submit-edits"


async def test_marked_photos_are_sent_with_express_and_notes_after_a_confirmation(opened: Opened) -> None:
    api = MockApi([a_file(number) for number in range(1, 4)])
    page = await opened(api)
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").check()
    await page.get_by_label("Bearbeiten lassen: IMG_0003.jpg").check()
    await expect(page.locator("#submit-line")).to_have_text("2 Fotos ausgewählt")
    await page.get_by_role("button", name="Zur Bearbeitung senden").click()
    assert api.asked("POST", SUBMIT) == []
    await page.get_by_label("Express").check()
    await page.get_by_label("Hinweise zum Auftrag").fill("Bitte hell.")
    await page.get_by_role("button", name="Jetzt senden").click()
    await expect(page.get_by_text("2 Fotos sind auf dem Weg.")).to_be_visible()
    await expect(page.locator("#submit-dialog")).to_be_hidden()
    assert api.asked("POST", "/bulk-mark") == [{"ids": ["f1"], "marked": True}, {"ids": ["f3"], "marked": True}]
    assert api.asked("POST", SUBMIT) == [{"files": ["f1", "f3"], "express": True, "order_notes": "Bitte hell."}]
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("In der Warteschlange")


async def test_sending_can_be_called_off(opened: Opened) -> None:
    api = MockApi([a_file(1, marked=True)])
    page = await opened(api)
    await page.locator("#submit").click()
    await page.get_by_role("button", name="Abbrechen").click()
    await expect(page.locator("#submit-dialog")).to_be_hidden()
    await expect(page.locator("#submit")).to_be_focused()
    assert api.asked("POST", SUBMIT) == []


async def test_all_photos_are_marked_and_unmarked_with_one_request(opened: Opened) -> None:
    api = MockApi([a_file(1), a_file(2), a_file(3, "done")])
    page = await opened(api)
    await page.get_by_role("button", name="Alle auswählen").click()
    await expect(page.locator("#submit-line")).to_have_text("2 Fotos ausgewählt")
    await page.get_by_role("button", name="Auswahl aufheben").click()
    await expect(page.locator("#submit-bar")).to_be_hidden()
    await api.quiet(page)  # the bar is gone before the page has asked
    marks = api.asked("POST", "/bulk-mark")
    assert marks == [{"ids": ["f1", "f2"], "marked": True}, {"ids": ["f1", "f2"], "marked": False}]


async def test_submitted_photos_become_previews_without_reloading(opened: Opened) -> None:
    api = MockApi([a_file(number, marked=True) for number in range(1, 13)])
    page = await opened(api)
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    await expect(page.locator("#progress-line")).to_have_text("0 von 12 fertig")
    for number in range(1, 13):
        api.finish(f"f{number}")
    await expect(page.locator(".picture:visible")).to_have_count(12)
    await expect(page.locator("#progress-line")).to_have_text("12 von 12 fertig")


async def test_a_finished_photo_is_approved(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api, clock=NOW)
    await page.get_by_role("button", name="IMG_0001.jpg freigeben").click()
    await expect(page.locator("[data-id=f1] .approved")).to_have_text("Freigegeben")
    await expect(page.get_by_role("button", name="IMG_0001.jpg freigeben")).to_be_hidden()
    await expect(page.get_by_role("button", name="IMG_0001.jpg groß ansehen")).to_be_focused()
    async with page.expect_request("**/files/f1/approve"):
        await page.clock.fast_forward(5_100)
    await expect(page.locator("[data-id=f1] .approved")).to_have_text("Freigegeben")


async def test_a_revision_needs_a_note_and_sends_it(opened: Opened) -> None:
    api = MockApi([a_file(1, "done", approved=True)])
    page = await opened(api)
    await page.get_by_role("button", name="IMG_0001.jpg überarbeiten lassen").click()
    await page.locator("#revision-confirm").click()
    await expect(page.locator("#revision-problem")).to_have_text("Bitte beschreiben Sie kurz, was wir ändern sollen.")
    await expect(page.get_by_label("Ihr Hinweis an uns")).to_be_focused()
    assert api.asked("POST", "/revision") == []
    await page.get_by_label("Ihr Hinweis an uns").fill("Der Himmel bitte blauer.")
    await page.locator("#revision-confirm").click()
    await expect(page.locator("#revision-dialog")).to_be_hidden()
    await expect(page.locator("[data-id=f1] .room")).to_have_text("Wohnzimmer · Version 2")
    await expect(page.locator("[data-id=f1] .badge")).to_have_text(["In der Warteschlange"])
    assert api.asked("POST", "/revision") == [{"note": "Der Himmel bitte blauer."}]


async def test_a_locked_file_is_named_and_the_mark_goes_back(opened: Opened) -> None:
    api = MockApi([a_file(1), a_file(2)])
    api.refuse["/bulk-mark"] = Refusal(409, "file_locked", "f1")
    page = await opened(api)
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Gerade in Bearbeitung und deshalb gesperrt: „IMG_0001.jpg“.")
    await expect(alert).to_contain_text("noch einmal")
    await expect(page.get_by_label("Bearbeiten lassen: IMG_0001.jpg")).not_to_be_checked()


async def test_a_locked_conflict_keeps_the_revision_note_for_another_try(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.refuse["/revision"] = Refusal(409, "file_locked", "f1")
    page = await opened(api)
    await page.get_by_role("button", name="IMG_0001.jpg überarbeiten lassen").click()
    await page.get_by_label("Ihr Hinweis an uns").fill("Heller.")
    await page.locator("#revision-confirm").click()
    dialog = page.locator("#revision-dialog")
    await expect(dialog.get_by_role("alert")).to_contain_text("„IMG_0001.jpg“")
    await expect(page.get_by_label("Ihr Hinweis an uns")).to_have_value("Heller.")
    api.refuse.clear()
    await page.locator("#revision-confirm").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_many_locked_files_are_named_in_one_short_sentence(opened: Opened) -> None:
    api = MockApi([a_file(number, marked=True) for number in range(1, 9)])
    api.refuse[SUBMIT] = Refusal(409, "file_locked", *(f"f{number}" for number in range(1, 9)))
    page = await opened(api)
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    names = "„IMG_0001.jpg“, „IMG_0002.jpg“, „IMG_0003.jpg“ und 5 weitere"
    await expect(page.get_by_role("alert")).to_contain_text(names)


async def test_an_impatient_double_click_sends_once(opened: Opened) -> None:
    api = MockApi([a_file(1, marked=True)])
    page = await opened(api)
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").dblclick()
    await expect(page.locator("#submit-dialog")).to_be_hidden()
    assert len(api.asked("POST", SUBMIT)) == 1


async def test_the_large_view_goes_through_the_order_with_the_arrow_keys(opened: Opened) -> None:
    page = await opened(MockApi([a_file(1, "done"), a_file(2, "queued"), a_file(3, "done")]))
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    await expect(page.locator("#large-image")).to_be_visible()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#large-name")).to_have_text("IMG_0002.jpg")
    await expect(page.locator("#card-hint")).to_have_text("Ein Bild sehen Sie hier nach der Bearbeitung")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#large-count")).to_have_text("3 von 3")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#large-name")).to_have_text("IMG_0002.jpg")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="IMG_0002.jpg groß ansehen")).to_be_focused()


async def test_the_large_view_zooms_and_then_pans_with_the_arrow_keys(opened: Opened) -> None:
    page = await opened(MockApi([a_file(1, "done"), a_file(2, "done")]))
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    await expect(page.locator("#large-image")).to_be_visible()
    whole = await width_of(page)
    await page.keyboard.press("+")
    await page.get_by_role("button", name="Vergrößern", exact=True).click()
    await expect(page.get_by_role("button", name="200 %")).to_be_visible()
    assert await width_of(page) == pytest.approx(2 * whole, rel=0.02)
    await page.locator("#stage").focus()
    before = await page.evaluate("document.getElementById('stage').scrollLeft")
    await page.keyboard.press("ArrowRight")
    await page.wait_for_function("(before) => document.getElementById('stage').scrollLeft > before", arg=before)
    await expect(page.locator("#large-name")).to_have_text("IMG_0001.jpg")
    await page.keyboard.press("0")
    assert await width_of(page) == pytest.approx(whole, rel=0.02)


async def width_of(page: Page) -> float:
    return float(await page.evaluate("document.getElementById('large-image').getBoundingClientRect().width"))


async def test_a_photo_is_approved_and_revised_from_the_large_view(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api)
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    large = page.locator("#lightbox")
    await large.get_by_role("button", name="freigeben").click()
    await expect(large.locator(".is-approved")).to_be_visible()
    await expect(large.get_by_text("„IMG_0001.jpg“ ist freigegeben.")).to_be_visible()
    await large.get_by_role("button", name="überarbeiten").click()
    await page.get_by_label("Ihr Hinweis an uns").fill("Gerade stürzende Linien.")
    await page.locator("#revision-confirm").click()
    await expect(large.locator(".badge").first).to_have_text("In der Warteschlange")


async def test_everything_can_be_reached_and_done_with_the_keyboard(opened: Opened) -> None:
    api = MockApi([a_file(1)], [a_notification(1, "f1")])
    page = await opened(api)
    await expect(page.locator(".tile")).to_have_count(1)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Zu den Fotos springen")).to_be_focused()
    await page.keyboard.press("Enter")
    for _ in range(11):  # what is done with all photos, eight filters, the grid
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="IMG_0001.jpg groß ansehen")).to_be_focused()
    await page.keyboard.press("x")
    await expect(page.locator("#submit-line")).to_have_text("1 Foto ausgewählt")
    await page.keyboard.press("Tab")
    await expect(page.locator("#submit")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.locator("#submit-confirm").press("Enter")
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("In der Warteschlange")
    assert len(api.asked("POST", SUBMIT)) == 1
