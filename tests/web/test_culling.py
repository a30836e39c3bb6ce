"""Going through many photos, as customers know it from elsewhere."""

from datetime import timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from tests.web.conftest import Opened
from tests.web.mock_api import NOW, MockApi, Refusal, a_file

pytestmark = pytest.mark.asyncio(loop_scope="session")


def box(page: Page, number: int) -> Locator:
    return page.locator(f"[data-id=f{number}] input")


def tile(page: Page, number: int) -> Locator:
    return page.locator(f"[data-id=f{number}] .open")


def marks(api: MockApi) -> list[tuple[list[str], bool]]:
    return [(body["ids"], body["marked"]) for body in api.asked("POST", "/bulk-mark")]


def mixed() -> MockApi:
    statuses = ["uploaded", "done", "failed", "done", "uploaded", "queued", "done"]
    return MockApi([a_file(number, status) for number, status in enumerate(statuses, start=1)])


async def shown(page: Page) -> list[str]:
    return await page.locator(".tile").evaluate_all("all => all.map(one => one.dataset.id)")


async def test_a_shift_click_takes_everything_between_and_undo_gives_it_back(opened: Opened) -> None:
    api = MockApi([a_file(number) for number in range(1, 9)])
    api.file("f4")["status"] = "in_progress"
    page = await opened(api)
    await box(page, 2).click()
    await box(page, 6).click(modifiers=["Shift"])
    await expect(page.locator("#submit-line")).to_have_text("4 Fotos ausgewählt")
    await page.get_by_role("button", name="Rückgängig").click()
    await expect(page.locator("#submit-line")).to_have_text("1 Foto ausgewählt")
    await page.keyboard.press("Control+z")
    await expect(page.locator("#submit-bar")).to_be_hidden()
    await api.quiet(page)
    assert marks(api) == [(["f2"], True), (["f3", "f5", "f6"], True), (["f3", "f5", "f6"], False), (["f2"], False)]


async def test_filters_show_a_status_or_the_selected_ones_and_say_how_many(opened: Opened) -> None:
    page = await opened(mixed())
    await expect(page.locator(".tile")).to_have_count(7)
    chips = page.locator(".chip:visible")
    await expect(chips).to_have_text(
        [
            "Alle7",
            "Ausgewählt0",
            "Zu klären1",
            "Zur Freigabe3",
            "Freigegeben0",
            "In Bearbeitung0",
            "In der Warteschlange1",
            "Hochgeladen2",
        ]
    )
    await chips.nth(3).click()
    assert await shown(page) == ["f2", "f4", "f7"]
    await expect(chips.nth(3)).to_have_attribute("aria-pressed", "true")
    await tile(page, 4).click()
    await expect(page.locator("#large-count")).to_have_text("2 von 3")
    await page.keyboard.press("Escape")
    await page.locator("[data-filter=uploaded]").click()
    await box(page, 5).click()
    await page.locator("[data-filter=selected]").click()
    assert await shown(page) == ["f5"]
    await box(page, 5).click()
    await expect(page.locator("#none-here")).to_contain_text("Hier ist gerade kein Foto.")
    await page.locator("[data-filter=all]").click()
    await expect(page.locator(".tile")).to_have_count(7)


async def test_the_grid_is_one_tab_stop_with_arrows_home_end_and_letters(opened: Opened) -> None:
    api = MockApi([a_file(number, "done" if number == 3 else "uploaded") for number in range(1, 12)])
    page = await opened(api)
    await expect(page.locator(".tile.is-near")).to_have_count(11)
    assert await page.locator("#grid [tabindex='0'], #grid :is(button, input):not([tabindex])").count() == 1
    await tile(page, 1).focus()
    for key, number in (
        ("ArrowRight", 2),
        ("ArrowDown", 6),
        ("ArrowLeft", 5),
        ("ArrowUp", 1),
        ("End", 11),
        ("Home", 1),
    ):
        await page.keyboard.press(key)
        await expect(tile(page, number)).to_be_focused()
    await page.keyboard.press("x")
    await expect(box(page, 1)).to_be_checked()
    await page.keyboard.press("u")
    await expect(box(page, 1)).not_to_be_checked()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("r")
    await expect(page.locator("#revision-text")).to_contain_text("IMG_0003.jpg")
    await page.keyboard.press("Escape")
    await page.keyboard.press("a")
    await expect(page.locator("[data-id=f3] .approved")).to_be_visible()
    await expect(tile(page, 3)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#large-name")).to_have_text("IMG_0003.jpg")


async def test_letters_mean_nothing_while_somebody_writes_or_is_elsewhere(opened: Opened) -> None:
    api = mixed()
    page = await opened(api)
    await tile(page, 2).focus()
    await page.keyboard.press("r")
    await page.locator("#revision-note").press_sequentially("xaru?n")
    await expect(page.locator("#revision-note")).to_have_value("xaru?n")
    await page.keyboard.press("Escape")
    await page.locator("#bell").focus()
    await page.keyboard.press("?")
    await expect(page.locator("#help-dialog")).to_be_hidden()
    assert await page.locator("[data-id=f2] .approved").count() == 0


async def test_the_large_view_has_the_same_letters_and_goes_on_after_an_approval(opened: Opened) -> None:
    api = mixed()
    page = await opened(api, clock=NOW)
    await tile(page, 1).click()
    name = page.locator("#large-name")
    await page.keyboard.press("x")
    await expect(page.get_by_role("button", name="Bearbeiten lassen: IMG_0001.jpg")).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.get_by_role("button", name="Bearbeiten lassen: IMG_0001.jpg").click()
    await expect(page.locator("#large-actions [aria-pressed]")).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("End")
    await expect(name).to_have_text("IMG_0007.jpg")
    await page.keyboard.press("Home")
    await page.keyboard.press("n")
    await expect(name).to_have_text("IMG_0002.jpg")
    await page.keyboard.press("a")
    await expect(name).to_have_text("IMG_0004.jpg")
    await page.keyboard.press("a")
    await expect(name).to_have_text("IMG_0007.jpg")
    await page.keyboard.press("f")
    await expect(name).to_have_text("IMG_0003.jpg")
    await page.keyboard.press("r")
    await expect(page.locator("#revision-text")).to_contain_text("IMG_0003.jpg")


async def test_the_next_photo_with_a_problem_or_to_approve_is_one_press_away(opened: Opened) -> None:
    page = await opened(MockApi([a_file(n, {150: "failed", 220: "done"}.get(n, "uploaded")) for n in range(1, 301)]))
    await expect(page.locator(".tile")).to_have_count(300)
    await page.get_by_role("button", name="Nächstes Problem").click()
    await expect(tile(page, 150)).to_be_focused()
    await expect(tile(page, 150)).to_be_in_viewport()
    await page.get_by_role("button", name="Nächstes zur Freigabe").click()
    await expect(tile(page, 220)).to_be_focused()
    await page.keyboard.press("f")
    await expect(tile(page, 150)).to_be_focused()


async def test_an_approval_can_be_taken_back_for_five_seconds_and_is_sent_after_them(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2, "done"), a_file(3)])
    page = await opened(api, clock=NOW)
    await box(page, 3).click()
    for number in (1, 2):
        await page.locator(f"[data-id=f{number}] [data-act=approve]").click()
    await expect(page.get_by_text("„IMG_0002.jpg“ ist freigegeben.")).to_be_visible()
    await page.clock.fast_forward(4_000)
    await page.get_by_role("button", name="Rückgängig").click()
    await expect(page.locator("[data-id=f2] [data-act=approve]")).to_be_visible()
    async with page.expect_request("**/approve"):
        await page.clock.fast_forward(1_200)
    await page.clock.fast_forward(10_000)
    await api.quiet(page)
    assert [path for _, path, _ in api.requests if "/approve" in path] == ["/api/files/f1/approve"]
    await expect(page.locator("[data-id=f1] .approved")).to_be_visible()
    await tile(page, 1).focus()
    await page.keyboard.press("u")
    await expect(box(page, 3)).not_to_be_checked()


async def test_a_look_meanwhile_does_not_take_a_waiting_approval_away(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2, "in_progress")])
    page = await opened(api, clock=NOW)
    await page.locator("[data-id=f1] [data-act=approve]").click()
    api.finish("f2")
    await page.clock.fast_forward(2_100)
    await expect(page.locator("[data-id=f2] .badge").first).to_have_text("Fertig")
    await expect(page.locator("[data-id=f1] .approved")).to_be_visible()


async def test_an_approval_that_waits_is_sent_when_the_page_is_left(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api, clock=NOW)
    await page.locator("[data-id=f1] [data-act=approve]").click()
    await page.evaluate("dispatchEvent(new Event('pagehide'))")
    await api.quiet(page)
    assert len(api.asked("POST", "/approve")) == 1
    await page.clock.fast_forward(6_000)
    await api.quiet(page)
    assert len(api.asked("POST", "/approve")) == 1


async def test_an_approval_that_waited_in_a_crash_is_sent_when_the_tab_comes_back(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api, init="sessionStorage.setItem('review_approving', 'f1')")
    await expect(page.locator("[data-id=f1] .approved")).to_be_visible()
    assert len(api.asked("POST", "/approve")) == 1


async def test_all_finished_photos_are_approved_at_once_with_a_result_each(opened: Opened) -> None:
    api = MockApi([a_file(number, "done") for number in range(1, 5)])
    api.refuse["/f3/approve"] = Refusal(409, "file_not_done", "f3")
    page = await opened(api)
    await page.get_by_role("button", name="Alle fertigen freigeben").click()
    assert api.asked("POST", "/approve") == []
    await page.get_by_role("button", name="Jetzt freigeben").click()
    await expect(page.locator("#approve-text")).to_have_text("3 von 4 Fotos sind freigegeben.")
    await expect(page.locator(".result")).to_have_text(
        [
            "IMG_0001.jpgFreigegeben",
            "IMG_0002.jpgFreigegeben",
            "IMG_0003.jpgNoch nicht fertig bearbeitet: „IMG_0003.jpg“.",
            "IMG_0004.jpgFreigegeben",
        ]
    )
    await page.get_by_role("button", name="Schließen").last.click()
    await expect(page.locator(".tile .approved")).to_have_count(3)
    await expect(page.locator("#approve-all")).to_be_disabled()


async def test_a_failed_photo_is_deleted_after_asking(opened: Opened) -> None:
    api = mixed()
    page = await opened(api)
    await tile(page, 3).click()
    await page.keyboard.press("Delete")
    await expect(page.locator("#removal-text")).to_contain_text("„IMG_0003.jpg“ wird aus diesem Auftrag gelöscht.")
    assert api.asked("DELETE", "/bulk") == []
    await page.get_by_role("button", name="Endgültig löschen").click()
    await expect(page.locator("#large-name")).to_have_text("IMG_0004.jpg")
    await page.keyboard.press("Escape")
    assert "f3" not in await shown(page)
    assert api.asked("DELETE", "/bulk") == [{"ids": ["f3"]}]


async def test_the_time_left_follows_the_rate_of_the_last_minutes(opened: Opened) -> None:
    api = MockApi([a_file(number, "in_progress") for number in range(1, 13)])
    page = await opened(api, clock=NOW)
    await expect(page.locator(".tile")).to_have_count(12)
    await expect(page.locator("#time-left")).to_be_empty()
    await api.quiet(page)
    for number in range(1, 4):
        api.finish(f"f{number}")
        await page.clock.fast_forward(timedelta(seconds=20) // timedelta(milliseconds=1))
        await api.quiet(page)
    await expect(page.locator("#time-left")).to_have_text("Noch etwa 3 Minuten")


async def test_the_help_names_every_key(opened: Opened) -> None:
    page = await opened(mixed())
    await tile(page, 1).focus()
    await page.keyboard.press("?")
    await expect(page.locator("#help-dialog")).to_be_visible()
    keys = {key for text in await page.locator(".keys dt").all_inner_texts() for key in text.split()}
    assert keys >= {"←", "→", "↑", "↓", "Home", "End", "Enter", "X", "A", "R", "Del", "N", "F", "U", "+", "−", "0", "?"}
    await page.keyboard.press("Escape")
    await expect(tile(page, 1)).to_be_focused()
