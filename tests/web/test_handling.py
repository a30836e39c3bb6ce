"""How the page takes hands: double clicks, fingers, Back, focus, two windows side by side."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.browser import Devtools, devtools
from tests.web.conftest import REVIEW, Opened
from tests.web.mock_api import NOW, ORDER, MockApi, Refusal, a_file, a_notification

pytestmark = pytest.mark.asyncio(loop_scope="session")

LARGE = "#lightbox"


def of_done(count: int) -> MockApi:
    return MockApi([a_file(number, "done") for number in range(1, count + 1)])


async def centre_of(page: Page, selector: str) -> tuple[float, float]:
    box = await page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def touch(session: Devtools, kind: str, *fingers: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
    await session.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)


async def drawn(session: Devtools, *steps: list[tuple[float, float]]) -> None:
    """Fingers that go down at the first places and lift at the last."""
    await touch(session, "touchStart", *steps[0])
    for step in steps[1:]:
        await touch(session, "touchMove", *step)
    await touch(session, "touchEnd")


async def test_a_double_click_on_what_opens_a_sheet_leaves_it_open(opened: Opened) -> None:
    api = MockApi([a_file(1, marked=True), a_file(2, "done")])
    page = await opened(api)
    for button, sheet in (("#submit", "#submit-dialog"), ("[data-id=f2] [data-act=revise]", "#revision-dialog")):
        await page.locator(button).dblclick()
        await expect(page.locator(sheet)).to_be_visible()
        assert await page.locator(sheet).evaluate("sheet => sheet.open")
        await page.keyboard.press("Escape")
        await expect(page.locator(sheet)).to_be_hidden()


async def test_a_click_beside_a_sheet_closes_it(opened: Opened) -> None:
    page = await opened(MockApi([a_file(1, marked=True)]))
    await page.locator("#submit").click()
    await page.wait_for_function(
        "(opened) => performance.now() - opened > 600", arg=await page.evaluate("performance.now()")
    )
    await page.mouse.click(5, 5)
    await expect(page.locator("#submit-dialog")).to_be_hidden()


async def test_a_double_click_on_a_picture_opens_it_whole_and_one_in_the_large_view_zooms(opened: Opened) -> None:
    page = await opened(of_done(1))
    await page.locator("[data-id=f1] .picture").wait_for()
    await page.locator("[data-id=f1] .open").dblclick()
    await expect(page.locator("#large-image")).to_be_visible()
    await expect(page.locator("#zoom-reset")).to_have_text("100 %")
    await page.locator("#stage").dblclick()
    await expect(page.locator("#zoom-reset")).to_have_text("200 %")


async def test_back_closes_the_large_view_and_forward_opens_it_again(opened: Opened) -> None:
    page = await opened(of_done(3))
    await page.locator("[data-id=f1] .open").click()
    assert page.url == f"{REVIEW}#photo=f1"
    await page.keyboard.press("ArrowRight")
    await page.wait_for_url(f"{REVIEW}#photo=f2")
    await page.go_back()
    await expect(page.locator(LARGE)).to_be_hidden()
    assert page.url == REVIEW
    await expect(page.locator("[data-id=f2] .open")).to_be_focused()
    await page.go_forward()
    await expect(page.locator("#large-name")).to_have_text("IMG_0002.jpg")
    await page.keyboard.press("Escape")
    await expect(page.locator(LARGE)).to_be_hidden()
    await page.wait_for_url(REVIEW)


async def test_back_leaves_a_sheet_above_the_large_view_before_the_large_view(opened: Opened) -> None:
    page = await opened(of_done(1))
    await page.locator("[data-id=f1] .open").click()
    await page.keyboard.press("r")
    await expect(page.locator("#revision-dialog")).to_be_visible()
    await page.go_back()
    await expect(page.locator("#revision-dialog")).to_be_hidden()
    await expect(page.locator(LARGE)).to_be_visible()
    await page.go_back()
    await expect(page.locator(LARGE)).to_be_hidden()


async def test_a_link_to_one_photo_opens_it_and_back_shows_the_order(opened: Opened) -> None:
    api = of_done(60)
    page = await opened(api, fragment="#photo=f50&token=abc")
    await expect(page.locator("#large-name")).to_have_text("IMG_0050.jpg")
    assert page.url == f"{REVIEW}#photo=f50"
    assert api.authorization[0] == "Bearer abc"
    await page.go_back()
    await expect(page.locator(LARGE)).to_be_hidden()
    await expect(page.locator("[data-id=f50] .open")).to_be_focused()


async def test_a_swipe_goes_on_two_fingers_zoom_and_one_drags(opened: Opened) -> None:
    page = await opened(of_done(2))
    session = await devtools(page)
    await page.locator("[data-id=f1] .open").click()
    await expect(page.locator("#large-image")).to_be_visible()
    x, y = await centre_of(page, "#stage")
    await drawn(session, [(x + 100, y)], [(x, y + 10)], [(x - 100, y + 10)])
    await expect(page.locator("#large-name")).to_have_text("IMG_0002.jpg")
    await drawn(session, [(x - 100, y)], [(x + 100, y)])
    await expect(page.locator("#large-name")).to_have_text("IMG_0001.jpg")
    await drawn(session, [(x, y - 100)], [(x + 20, y + 100)])
    await expect(page.locator("#large-name")).to_have_text("IMG_0001.jpg")
    await drawn(session, [(x - 50, y), (x + 50, y)], [(x - 100, y), (x + 100, y)])
    await expect(page.locator("#zoom-reset")).to_have_text("200 %")
    before: Any = await page.locator("#stage").evaluate("stage => stage.scrollLeft")
    await drawn(session, [(x + 100, y)], [(x - 50, y)])
    assert await page.locator("#stage").evaluate("stage => stage.scrollLeft") == pytest.approx(before + 150, abs=2)
    await expect(page.locator("#large-name")).to_have_text("IMG_0001.jpg")


async def test_focus_never_falls_out_of_the_page(opened: Opened) -> None:
    api = MockApi([a_file(1, marked=True), a_file(2, "done"), a_file(3, "failed")])
    page = await opened(api)
    nowhere = "document.activeElement === document.body || document.activeElement.closest('[hidden]') !== null"
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    await expect(page.locator("#submit-dialog")).to_be_hidden()
    assert not await page.evaluate(nowhere)
    await page.locator("[data-id=f2] [data-act=revise]").click()
    await page.get_by_label("Ihr Hinweis an uns").fill("Heller.")
    await page.locator("#revision-confirm").click()
    await expect(page.locator("#revision-dialog")).to_be_hidden()
    await expect(page.locator("[data-id=f2] .badges")).to_have_text("In der Warteschlange")
    assert not await page.evaluate(nowhere)
    await page.locator("[data-id=f3] [data-act=remove]").click()
    await page.locator("#removal-confirm").click()
    await expect(page.locator(".tile")).to_have_count(2)
    assert not await page.evaluate(nowhere)


async def test_what_had_focus_and_vanishes_behind_a_dialog_hands_it_to_the_photos(opened: Opened) -> None:
    api = MockApi([a_file(1, marked=True)])
    page = await opened(api, clock=NOW)
    await page.locator("#submit").click()
    await expect(page.locator("#submit-dialog")).to_be_visible()
    api.file("f1").update(status="in_progress", locked=True)
    await page.clock.fast_forward(31_000)
    await expect(page.locator("[data-id=f1] .is-locked")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("#submit-dialog")).to_be_hidden()
    await expect(page.locator("#photos")).to_be_focused()


async def test_a_second_window_follows_within_a_second(opened: Opened) -> None:
    api = MockApi([a_file(1), a_file(2, "failed")], [a_notification(2, "f2", type="revision_required", message="“ x")])
    one, two = await opened(api), await opened(api)
    await expect(two.locator(".tile")).to_have_count(2)
    await one.get_by_label("Bearbeiten lassen: IMG_0001.jpg").check()
    await expect(two.get_by_label("Bearbeiten lassen: IMG_0001.jpg")).to_be_checked(timeout=1_000)
    await one.get_by_label("Bearbeiten lassen: IMG_0002.jpg").check()
    await expect(two.get_by_label("Bearbeiten lassen: IMG_0002.jpg")).to_be_checked(timeout=1_000)
    await expect(two.locator("#submit-line")).to_have_text("2 Fotos ausgewählt")


async def test_a_doubt_about_an_action_ends_when_the_page_knows_again(opened: Opened) -> None:
    api = MockApi([a_file(1)])
    page = await opened(api, clock=NOW)
    await expect(page.locator(".tile")).to_have_count(1)
    await api.quiet(page)
    api.lost = True
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").click()
    await expect(page.get_by_text("vielleicht nicht ausgeführt")).to_be_visible()
    await api.quiet(page)  # its look at the order is lost, too
    api.lost = False
    await page.clock.fast_forward(21_000)
    await expect(page.get_by_text("Die Verbindung ist wieder da.")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_previews_that_failed_while_the_service_answered_are_tried_again(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2, "in_progress")])
    api.refuse["/preview"] = Refusal(503, "storage_unavailable")
    page = await opened(api, clock=NOW)
    await expect(page.locator("[data-id=f1] .picture-hint")).to_have_text("Vorschau gerade nicht ladbar")
    await page.locator("[data-id=f1] .open").click()
    await expect(page.locator("#card-hint")).to_have_text("Vorschau gerade nicht ladbar")
    api.refuse.clear()
    for _ in range(2):  # the first look's own timer, then one after the preview's pause
        async with page.expect_request(f"**/api/orders/{ORDER}/status"):
            await page.clock.fast_forward(timedelta(seconds=16) // timedelta(milliseconds=1))
        await api.quiet(page)
    await expect(page.locator("#large-image")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-id=f1] .picture")).to_be_visible()
