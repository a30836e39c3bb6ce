"""What a screen reader says of the page, and that axe-core finds nothing in any of its states."""

import pytest
from playwright.async_api import Locator, Page, expect

from editqueue.domain import messages
from tests.web.conftest import Opened
from tests.web.mock_api import MockApi, Refusal, a_file, a_notification
from tests.web.test_rendering import axe_violations

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRID = """
- list:
  - listitem:
    - button "IMG_0001.jpg groß ansehen"
    - paragraph: Ein Bild sehen Sie hier nach der Bearbeitung
    - heading "IMG_0001.jpg" [level=3]
    - paragraph: Wohnzimmer
    - paragraph: Hochgeladen
    - 'checkbox "Bearbeiten lassen: IMG_0001.jpg" [checked]'
    - text: Bearbeiten lassen
  - listitem:
    - button "IMG_0002.jpg groß ansehen"
    - paragraph: Ein Bild sehen Sie hier nach der Bearbeitung
    - heading "IMG_0002.jpg" [level=3]
    - paragraph: Wohnzimmer
    - paragraph: In der Warteschlange
  - listitem:
    - button "IMG_0003.jpg groß ansehen"
    - paragraph: Gesperrt
    - paragraph: Ein Bild sehen Sie hier nach der Bearbeitung
    - heading "IMG_0003.jpg" [level=3]
    - paragraph: Wohnzimmer
    - paragraph: In Bearbeitung
  - listitem:
    - button "IMG_0004.jpg groß ansehen"
    - heading "IMG_0004.jpg" [level=3]
    - paragraph: Wohnzimmer
    - paragraph: Fertig
    - button "IMG_0004.jpg freigeben": Freigeben
    - button "IMG_0004.jpg überarbeiten lassen": Überarbeiten
  - listitem:
    - button "IMG_0005.jpg groß ansehen"
    - heading "IMG_0005.jpg" [level=3]
    - paragraph: Wohnzimmer · Version 2
    - paragraph: Fertig
    - paragraph: Freigegeben
    - button "IMG_0005.jpg überarbeiten lassen": Überarbeiten
  - listitem:
    - button "IMG_0006.jpg groß ansehen"
    - paragraph: Die Datei ist beschädigt. Bitte laden Sie das Foto erneut hoch.
    - heading "IMG_0006.jpg" [level=3]
    - paragraph: Wohnzimmer
    - paragraph: Fehlgeschlagen
    - button "IMG_0006.jpg löschen": Löschen
"""
LARGE = """
- dialog "IMG_0004.jpg":
  - heading "IMG_0004.jpg" [level=2]
  - paragraph: Wohnzimmer
  - paragraph
  - text: Fertig 4 von 6
  - button "Tasten anzeigen"
  - button "Große Ansicht schließen"
  - group "Große Vorschau":
    - img "Vorschau von IMG_0004.jpg"
  - button "Voriges Foto"
  - button "Nächstes Foto"
  - group "Vergrößerung":
    - button "Verkleinern"
    - button "100 %"
    - button "Vergrößern"
    - link "Vorschau in neuem Tab öffnen"
  - button "IMG_0004.jpg überarbeiten lassen": Überarbeiten
  - button "IMG_0004.jpg freigeben": Freigeben
"""


def of_every_kind() -> MockApi:
    statuses = ["uploaded", "queued", "in_progress", "done", "done", "failed"]
    files = [a_file(number, status) for number, status in enumerate(statuses, start=1)]
    files[0]["marked"] = True
    files[4].update(approved=True, ver=2)
    broken = messages.BROKEN.format(name="IMG_0006.jpg", reason=messages.REASONS["broken_picture"])
    return MockApi(files, [a_notification(6, "f6", type="revision_required", message=broken)])


async def test_a_screen_reader_hears_every_photo_with_its_state_and_what_can_be_done(opened: Opened) -> None:
    page = await opened(of_every_kind())
    await expect(page.locator("#photos")).to_match_aria_snapshot(GRID)
    await page.locator("[data-id=f4] .open").click()
    await expect(page.locator("#lightbox")).to_match_aria_snapshot(LARGE)


async def test_every_message_is_heard_good_ones_politely_and_bad_ones_at_once(opened: Opened) -> None:
    api = of_every_kind()
    page = await opened(api)
    shown = page.locator("#messages")
    await page.locator("[data-id=f4] [data-act=approve]").click()
    await expect(shown).to_match_aria_snapshot("""
- status: „IMG_0004.jpg“ ist freigegeben.
- button "Rückgängig"
- button "Meldung schließen"
""")
    await shown.get_by_role("button", name="Meldung schließen").click()
    api.refuse["/bulk-mark"] = Refusal(409, "file_locked", "f1")
    await page.locator("[data-id=f1] input").click()
    await expect(shown).to_match_aria_snapshot("""
- alert: "Gerade in Bearbeitung und deshalb gesperrt: „IMG_0001.jpg“. Es wurde nichts geändert. \
Bitte versuchen Sie es in ein paar Minuten noch einmal."
- button "Meldung schließen"
""")
    api.refuse["/api/"] = Refusal(401, "unauthenticated")
    await page.locator("[data-id=f1] input").click()
    await expect(shown.get_by_role("alert").last).to_have_text(
        "Ihre Anmeldung ist abgelaufen. Bitte melden Sie sich erneut an und öffnen Sie diese Seite wieder."
    )


async def open_states(page: Page, source: str) -> dict[str, list[str]]:
    """What axe finds in each state that a customer gets to from the grid, by its name; empty where it finds nothing."""
    found: dict[str, list[str]] = {}

    async def look(state: str) -> None:
        found[state] = await axe_violations(page, source)

    async def part(number: int, selector: str) -> Locator:
        await page.locator(f"[data-id=f{number}]").scroll_into_view_if_needed()
        return page.locator(f"[data-id=f{number}] {selector}")

    await (await part(1, ".open")).focus()
    await page.keyboard.press("?")
    await look("help")
    await page.keyboard.press("Escape")
    await page.locator("[data-filter=approved]").click()
    await page.locator("[data-filter=in_progress]").click()
    await look("a filter")
    await page.locator("[data-filter=all]").click()
    await (await part(6, "[data-act=remove]")).click()
    await look("deleting")
    await page.keyboard.press("Escape")
    await (await part(6, ".open")).click()
    await look("a failed photo, large")
    await page.keyboard.press("Home")
    await look("a photo without a picture, large")
    await page.keyboard.press("Escape")
    await (await part(4, "[data-act=approve]")).click()
    await look("an approval that can be taken back")
    return found


async def on_a_narrow_dark_page(opened: Opened) -> Page:
    api = of_every_kind()
    api.files.append(a_file(7, "done"))
    page = await opened(api, width=320)
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    await expect(page.locator(".tile")).to_have_count(7)
    return page


async def test_axe_finds_nothing_in_what_helps_with_many_photos(opened: Opened, axe_source: str) -> None:
    page = await on_a_narrow_dark_page(opened)

    assert {state: found for state, found in (await open_states(page, axe_source)).items() if found} == {}


async def test_axe_finds_nothing_when_all_are_approved(opened: Opened, axe_source: str) -> None:
    page = await on_a_narrow_dark_page(opened)
    await page.locator("#approve-all").click()
    await page.locator("#approve-confirm").click()
    await expect(page.locator("#approve-text")).to_have_text("2 von 2 Fotos sind freigegeben.")

    assert await axe_violations(page, axe_source) == []
