"""Small screens, fingers, paper."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import Opened
from tests.web.mock_api import MockApi, a_file, a_notification

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEAST = 44
"""What a finger hits, in CSS pixels."""
SMALL = f"""all => all
  .filter(one => one.checkVisibility({{ visibilityProperty: true }}))
  .map(one => [one, (one.closest("label") ?? one).getBoundingClientRect()])
  .filter(([, box]) => box.width < {LEAST} - 0.01 || box.height < {LEAST} - 0.01)
  .map(([one, box]) => `${{one.outerHTML.slice(0, 80)}} ${{box.width}}x${{box.height}}`)"""
TARGETS = "button, input, a[href]:not(.skip), textarea"
OVERLAPS = """tile => {
  const parts = [...tile.querySelectorAll(":is(.name, .room, .badge, .mark, .approved, .button)")];
  const tooNarrow = parts.filter((one) => !one.matches(".name, .room") && one.scrollWidth > one.offsetWidth);
  const areApart = (one, other) => {
    const [a, b] = [one, other].map((part) => part.getBoundingClientRect());
    const gap = Math.max(b.left - a.right, a.left - b.right, b.top - a.bottom, a.top - b.bottom);
    return gap > -0.5;
  };
  const pairs = parts.flatMap((one, at) => parts.slice(at + 1).map((other) => [one, other]));
  const crossing = pairs.filter(([one, other]) => !areApart(one, other));
  return [...crossing, ...tooNarrow.map((one) => [one])].map((all) => all.map((one) => one.className).join(" on "));
}"""


def of_all_kinds() -> MockApi:
    files = [
        a_file(1, marked=True),
        a_file(2, "queued"),
        a_file(3, "in_progress"),
        a_file(4, "done"),
        a_file(5, "done", approved=True),
        a_file(6, "failed"),
        a_file(7, "queued", name="2026-11-24-HX4K2P_guest_toilet_007_v1.jpg"),
    ]
    missing = a_notification(7, "f7", type="revision_required", message="„x“ wurde nicht gefunden.")
    return MockApi(files, [missing])


async def near(page: Page) -> None:
    """Every tile with its parts, however far down it lies."""
    await expect(page.locator(".tile")).to_have_count(7)
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await expect(page.locator("[data-id=f7] .badge")).to_have_text("Original fehlt")


@pytest.mark.parametrize(("width", "height"), [(568, 320), (667, 375), (844, 390)])
async def test_a_phone_held_across_shows_the_picture_whole_and_all_that_can_be_done(
    opened: Opened, width: int, height: int
) -> None:
    page = await opened(MockApi([a_file(number, "done") for number in range(1, 9)]), width=width)
    await page.set_viewport_size({"width": width, "height": height})
    await page.locator("[data-id=f1] .open").click()
    await expect(page.locator("#large-image")).to_be_visible()

    picture = await page.locator("#large-image").bounding_box()
    assert picture is not None
    assert picture["height"] >= 0.55 * height
    assert await page.locator("#lightbox").locator(TARGETS).evaluate_all(SMALL) == []
    for part in await page.locator("#lightbox").locator(TARGETS).all():
        if await part.is_visible():
            box = await part.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= box["x"] + box["width"] <= width
            assert 0 <= box["y"] <= box["y"] + box["height"] <= height


@pytest.mark.parametrize("width", [320, 360, 768])
async def test_nothing_runs_under_anything_else_and_fingers_hit_everything(opened: Opened, width: int) -> None:
    page = await opened(of_all_kinds(), width=width)
    await near(page)
    await page.evaluate("document.documentElement.style.fontFamily = 'DejaVu Sans'")
    for language in ("Deutsch", "English"):
        await page.get_by_role("button", name=language).click()
        overlaps: list[Any] = await page.locator(".tile").evaluate_all(f"all => all.flatMap({OVERLAPS})")
        assert overlaps == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await page.locator(TARGETS).evaluate_all(SMALL) == []
    for opener, dialog in (("#submit", "#submit-dialog"), ("[data-id=f4] .open", "#lightbox")):
        await page.locator(opener).click()
        assert await page.locator(dialog).locator(TARGETS).evaluate_all(SMALL) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.keyboard.press("Escape")


async def test_a_message_leaves_room_for_its_words_and_covers_nothing_that_can_be_pressed(opened: Opened) -> None:
    api = MockApi([a_file(number, "done", name=f"2026-11-24-HX4K2P_{number}.jpg") for number in (1, 2)])
    page = await opened(api, width=320)
    await page.locator("[data-id=f1] .open").click()
    await page.locator("#large-actions").get_by_role("button", name="freigeben").click()
    await expect(page.locator("#large-name")).to_have_text("2026-11-24-HX4K2P_2.jpg")

    message = await page.locator(".message").bounding_box()
    foot = await page.locator(".large-foot").bounding_box()
    words = await page.locator(".message p").bounding_box()
    assert message is not None
    assert foot is not None
    assert words is not None
    assert message["y"] + message["height"] <= foot["y"]
    assert words["width"] >= 0.55 * message["width"]


async def test_a_phone_shows_a_name_to_its_end_and_the_picture_stays_where_it_is(opened: Opened) -> None:
    long = "2026-11-24-HX4K2P_children_room_002_v1.jpg"
    page = await opened(MockApi([a_file(1, "done"), a_file(2, "done", name=long)]), width=360)
    await page.locator("[data-id=f1] .open").click()
    name, stage = page.locator("#large-name"), page.locator(".stage-place")
    await expect(name).to_have_text("IMG_0001.jpg")
    before = await stage.bounding_box()
    await page.keyboard.press("ArrowRight")
    await expect(name).to_have_text(long)

    assert await name.evaluate("one => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight + 1")
    assert await stage.bounding_box() == before


async def test_on_paper_it_is_a_contact_sheet_with_names_and_status(opened: Opened) -> None:
    api = MockApi([a_file(number, "done") for number in range(1, 41)])
    api.files += of_all_kinds().files[:3]
    for number, file in enumerate(api.files, start=1):
        file.update(id=f"f{number}", name=f"IMG_{number:04}.jpg")
    page = await opened(api)
    await expect(page.locator(".tile")).to_have_count(43)
    assert await page.locator(".tile.is-near").count() < 43
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await page.emulate_media(media="print")
    printed = await page.locator("main").inner_text()
    assert all(f"IMG_{number:04}.jpg" in printed for number in range(1, 44))
    assert printed.count("Fertig") >= 40
    assert "wird geladen" not in printed
    for hidden in (".top", "#submit-bar", ".mark", "#filters", ".photos-head"):
        await expect(page.locator(hidden).first).to_be_hidden()
    columns = await page.locator("#grid").evaluate(
        "grid => getComputedStyle(grid).gridTemplateColumns.split(' ').length"
    )
    assert columns == 4
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert await page.locator(".tile.is-near").count() < 43
