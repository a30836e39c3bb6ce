"""What a customer sees, in both languages and both themes."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from editqueue.entrypoints.http.page_bundle import WEB_DIR, write
from tests.web.conftest import Opened
from tests.web.mock_api import NOW, JsonObject, MockApi, Refusal, a_file, a_notification, stamp

pytestmark = pytest.mark.asyncio(loop_scope="session")

GERMAN = {
    "uploaded": "Hochgeladen",
    "queued": "In der Warteschlange",
    "in_progress": "In Bearbeitung",
    "done": "Fertig",
    "failed": "Fehlgeschlagen",
}
ENGLISH = {
    "uploaded": "Uploaded",
    "queued": "Waiting",
    "in_progress": "Being edited",
    "done": "Ready",
    "failed": "Failed",
}
HOSTILE = "<img src=x onerror=\"document.title='owned'\">.jpg"


def of_every_status() -> MockApi:
    files = [a_file(number, status) for number, status in enumerate(GERMAN, start=1)]
    return MockApi(files, [a_notification(4, "f4")])


async def badges(page: Page) -> list[str]:
    return await page.locator(".tile .badges .badge").all_inner_texts()


AXE = """async (tags) => {
  // axe measures a button against those behind a modal dialog, too, where nothing can be pressed.
  const bar = document.querySelector("#submit-bar");
  bar.style.visibility = document.querySelector("dialog:modal") ? "hidden" : "";
  const found = await axe.run({ runOnly: tags });
  bar.style.visibility = "";
  return found;
}"""


async def axe_violations(page: Page, source: str) -> list[str]:
    await page.evaluate(f"{source}; undefined")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found: Any = await page.evaluate(AXE, tags)
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found["violations"]]


async def test_every_status_has_its_badge_lock_and_actions(opened: Opened) -> None:
    page = await opened(of_every_status())
    await expect(page.locator(".tile")).to_have_count(5)
    assert await badges(page) == list(GERMAN.values())
    await expect(page.get_by_text("Gesperrt")).to_have_count(1)
    await expect(page.locator("[data-id=f3] .is-locked")).to_be_visible()
    shown = {act: await page.locator(f"[data-act={act}]:visible").count() for act in ("mark", "approve", "revise")}
    assert shown == {"mark": 2, "approve": 1, "revise": 2}
    await expect(page.locator("[data-id=f1] .room")).to_have_text("Wohnzimmer")


async def test_the_progress_bar_tells_the_counts_of_the_order(opened: Opened) -> None:
    page = await opened(of_every_status())
    await expect(page.locator("#progress-line")).to_have_text("1 von 4 fertig")
    bar = page.get_by_role("progressbar", name="Fortschritt des Auftrags")
    await expect(bar).to_have_attribute("aria-valuetext", "1 von 4 fertig")
    await expect(bar).to_have_attribute("aria-valuenow", "1")
    await expect(bar).to_have_attribute("aria-valuemax", "4")
    await expect(page.locator(".legend-item")).to_have_text(
        ["1Fertig", "1In Bearbeitung", "1In der Warteschlange", "1Fehlgeschlagen"]
    )


async def test_only_finished_files_are_asked_for_a_preview_and_the_others_hold_its_place(opened: Opened) -> None:
    api = of_every_status()
    page = await opened(api)
    await expect(page.locator("[data-id=f4] .picture")).to_be_visible()
    await expect(page.locator("[data-id=f2] .picture-hint")).to_have_text(
        "Ein Bild sehen Sie hier nach der Bearbeitung"
    )
    assert len(api.asked("GET", "/preview")) == 1


async def test_a_preview_that_is_not_there_after_all_leaves_the_placeholder(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.refuse["/preview"] = Refusal(404, "preview_not_found", "f1")
    page = await opened(api)
    await expect(page.locator(".picture-hint")).to_have_text("Noch keine Vorschau")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_german_is_the_default_and_english_a_choice_that_lasts(opened: Opened) -> None:
    page = await opened(of_every_status())
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Fotos")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your photos")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    assert await badges(page) == list(ENGLISH.values())
    await page.reload()
    await expect(page.locator("#progress-line")).to_have_text("1 of 4 ready")
    await expect(page).to_have_title("Your photos · pix.immo")


async def test_a_hostile_file_name_is_text_everywhere(opened: Opened) -> None:
    note = a_notification(1, "f1", message=f"Ihr Foto „{HOSTILE}“ ist fertig.")
    api = MockApi([a_file(1, "done", name=HOSTILE, room_type="<b>Salon</b>")], [note])
    page = await opened(api)
    await expect(page.locator(".name")).to_have_text(HOSTILE)
    await expect(page.locator(".room")).to_have_text("<b>Salon</b>")
    await page.locator("#bell").click()
    await expect(page.locator(".note-text")).to_have_text(f"Ihr Foto „{HOSTILE}“ ist fertig.")
    await page.locator(".note-button").click()
    await expect(page.locator("#large-name")).to_have_text(HOSTILE)
    await expect(page.locator("#large-image")).to_have_attribute("alt", f"Vorschau von {HOSTILE}")
    assert await page.locator("img[onerror], img[src=x]").count() == 0
    assert await page.title() == "Ihre Fotos · pix.immo"


async def test_a_queued_file_whose_original_is_missing_can_be_sent_again(opened: Opened) -> None:
    missing = a_notification(1, "f1", type="revision_required", message="Das Original wurde nicht gefunden.")
    page = await opened(MockApi([a_file(1, "queued"), a_file(2, "queued")], [missing]))
    await expect(page.locator("[data-id=f1] .badge")).to_have_text("Original fehlt")
    await expect(page.locator("[data-id=f2] .badge")).to_have_text("In der Warteschlange")
    await expect(page.locator("#submit-bar")).to_be_hidden()
    await page.get_by_label("Bearbeiten lassen: IMG_0001.jpg").check()
    await expect(page.locator("#submit-line")).to_have_text("1 Foto ausgewählt")


async def test_the_bell_counts_what_is_new_and_leads_to_the_photo(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2, "done")], [a_notification(1, "f1"), a_notification(2, "f2")])
    page = await opened(api)
    bell = page.get_by_role("button", name="Mitteilungen, 2 neue")
    await bell.click()
    await expect(page.locator(".note-text").first).to_contain_text("IMG_0002.jpg")
    await page.keyboard.press("Escape")
    await expect(page.locator("#bell-panel")).to_be_hidden()
    await expect(page.get_by_role("button", name="Mitteilungen", exact=True)).to_be_focused()
    await page.locator("#bell").click()
    await page.locator(".note-button").nth(1).click()
    await expect(page.locator("#large-name")).to_have_text("IMG_0001.jpg")


async def test_the_page_is_the_same_from_a_static_host_as_it_lies_there_or_joined(
    opened: Opened, tmp_path: Path
) -> None:
    write(tmp_path / "joined")
    (tmp_path / "joined" / "review-assets" / "config.json").write_text(
        json.dumps({"api_base": "", "brand": "Haus & Bild", "texts": {"de": {"title": "Ihre Bilder"}}})
    )
    for folder, brand, title in (
        (WEB_DIR, "pix.immo", "Ihre Fotos"),
        (tmp_path / "joined", "Haus & Bild", "Ihre Bilder"),
    ):
        api = of_every_status()
        api.site_folder = folder
        page = await opened(api)
        await expect(page.locator("[data-id=f4] .picture")).to_be_visible()
        await expect(page.locator("#brand")).to_have_text(brand)
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)


async def test_an_empty_order_says_so(opened: Opened) -> None:
    page = await opened(MockApi([]))
    await expect(page.locator("#notice")).to_have_text("In diesem Auftrag sind noch keine Fotos.")
    await expect(page.locator("#progress-line")).to_have_text("Noch nichts in Bearbeitung")


SHIFTS = """
  window.shifts = [];
  const named = (node) => node?.id || node?.className || node?.nodeName;
  const moved = (source) => [named(source.node), source.previousRect, source.currentRect];
  const note = (list) => list.getEntries().forEach((entry) => shifts.push([entry.value, entry.sources.map(moved)]));
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("width", [360, 768, 1440])
async def test_nothing_moves_while_photos_go_through_the_order(opened: Opened, width: int) -> None:
    api = MockApi([a_file(number, "queued") for number in range(1, 9)])
    page = await opened(api, clock=NOW, init=SHIFTS, width=width)
    await expect(page.locator(".tile")).to_have_count(8)
    steps: list[JsonObject] = [{"status": "in_progress", "locked": True}, {}, {"approved": True}]
    for step in steps:
        for file in api.files:
            api.finish(file["id"]) if not step else file.update(step)
        await page.clock.fast_forward(30_000)
        await api.quiet(page)
    near = await page.locator(".tile.is-near").count()
    await expect(page.locator(".tile.is-near .approved")).to_have_count(near)
    await expect(page.locator("[data-id=f1] .picture")).to_be_visible()

    shifts = await page.evaluate("shifts")
    moved = [one for one in shifts if {name for name, *_ in one[1]} != {"bottom"}]  # messages lie over the photos
    assert moved == []


async def test_a_format_that_no_browser_shows_is_called_that_and_not_a_failure(opened: Opened) -> None:
    api = MockApi([a_file(1, "done", name="IMG_0001.HEIC", mime="image/heic")])
    api.picture = lambda _: b"a placeholder copy"
    page = await opened(api)

    await expect(page.locator(".picture-hint")).to_have_text("Für dieses Format gibt es hier kein Bild")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_the_page_its_dialogs_and_its_messages(
    opened: Opened, axe_source: str, scheme: Any
) -> None:
    api = of_every_status()
    api.files += [a_file(6, "uploaded", marked=True), a_file(7, "done", approved=True)]
    old = stamp(NOW - timedelta(days=1))
    api.notifications.append(a_notification(5, "f5", type="revision_required", created_at=old))
    page = await opened(api)
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await expect(page.locator("#submit-bar")).to_be_visible()
    await page.locator("#bell").click()
    assert await axe_violations(page, axe_source) == []
    await page.keyboard.press("Escape")
    await page.locator("#submit").click()
    assert await axe_violations(page, axe_source) == []
    await page.keyboard.press("Escape")
    await page.locator("[data-id=f4] .open").click()
    await expect(page.locator("#large-image")).to_be_visible()
    assert await axe_violations(page, axe_source) == []
    await page.locator("#large-actions").get_by_role("button", name="überarbeiten").click()
    await page.locator("#revision-confirm").click()
    assert await axe_violations(page, axe_source) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("+")
    assert await axe_violations(page, axe_source) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="English").click()
    api.refuse["/api/"] = Refusal(401, "unauthenticated")
    await page.locator("[data-act=mark]").first.click()
    await expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    assert await axe_violations(page, axe_source) == []


async def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Opened) -> None:
    api = of_every_status()
    api.file("f1").update(name="a" * 200 + ".jpg", marked=True)
    page = await opened(api)
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect(page.locator("#submit-bar")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
