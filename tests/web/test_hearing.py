"""Every message of the page as a screen reader has it: what it says, how soon, and what can be pressed."""

import json
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from playwright.async_api import Page, expect

from editqueue.entrypoints.http.page_bundle import WEB_DIR
from tests.web.conftest import Opened
from tests.web.mock_api import NOW, MockApi, Refusal, a_file

pytestmark = pytest.mark.asyncio(loop_scope="session")

GERMAN: Final[dict[str, str]] = json.loads((WEB_DIR / "review-assets" / "de.json").read_text(encoding="utf-8"))
NAME: Final = "IMG_0001.jpg"
QUOTED: Final = f"„{NAME}“"

OF_THE_VIEW: Final = {
    "error.forbidden": Refusal(403, "forbidden"),
    "error.order_missing": Refusal(404, "order_not_found"),
    "error.unavailable": Refusal(503, "storage_unavailable"),
    "error.unexpected": Refusal(418, "teapot"),
    "error.never_signed_in": Refusal(401, "unauthenticated"),
}
OF_AN_ACTION: Final = {
    "error.file_locked": Refusal(409, "file_locked", "f1"),
    "error.job_active": Refusal(409, "job_active", "f1"),
    "error.file_not_marked": Refusal(409, "file_not_marked", "f1"),
    "error.file_not_done": Refusal(409, "file_not_done", "f1"),
    "error.conflict": Refusal(409, "conflict"),
    "error.invalid": Refusal(422, "invalid"),
    "error.foreign_origin": Refusal(403, "foreign_origin"),
    "error.gone": Refusal(404, "file_not_found", "f1"),
    "error.unavailable_action": Refusal(503, "storage_unavailable"),
    "error.unauthenticated": Refusal(401, "unauthenticated"),
}
GOOD: Final = (
    "mark.done.other",
    "mark.undone.other",
    "approve.done",
    "revision.done",
    "remove.done",
    "submit.done.one",
)
IN_PIECES: Final = {
    "error.a_file",
    "error.and_more",  # names in a sentence, for which test_acting.py has a test
    "approve.all_done",  # in the dialog, for which test_culling.py has a test
    "mark.done.one",
    "mark.undone.one",  # one photo is told by its own checkbox
    "submit.done.other",
}


HEARD: Final = {
    *OF_THE_VIEW,
    *OF_AN_ACTION,
    *GOOD,
    *IN_PIECES,
    "error.network",
    "error.network_action",
    "error.language",
    "recovered",
}
"""The keys of every message that a test has."""


def text(key: str) -> str:
    return GERMAN[key].format_map({"names": QUOTED, "name": NAME, "detail": "invalid", "count": 2})


def heard(role: str, key: str, *buttons: str) -> str:
    """The lines of an aria snapshot."""
    lines = [f"- {role}: {json.dumps(text(key), ensure_ascii=False)}"]
    return "\n".join([*lines, *(f'- button "{name}"' for name in (*buttons, "Meldung schließen"))])


@pytest.mark.parametrize("key", OF_THE_VIEW)
async def test_an_order_that_cannot_be_shown_is_told_at_once(opened: Opened, key: str) -> None:
    api = MockApi([a_file(1)])
    api.refuse["/api/"] = OF_THE_VIEW[key]
    page = await opened(api)
    await expect(page.locator("#messages")).to_match_aria_snapshot(heard("alert", key, GERMAN["retry"]))


async def test_an_action_that_was_refused_is_told_at_once_whatever_the_reason(opened: Opened) -> None:
    api = MockApi([a_file(1), a_file(2)])
    page = await opened(api)
    for key, refusal in OF_AN_ACTION.items():
        api.refuse = {"/bulk-mark": refusal}
        await page.locator("[data-id=f1] input").click()
        buttons = [GERMAN["retry"]] if key == "error.unauthenticated" else []
        await expect(page.locator("#messages")).to_match_aria_snapshot(heard("alert", key, *buttons))


async def test_a_lost_network_a_lost_language_and_the_way_back_are_told(opened: Opened) -> None:
    api = MockApi([a_file(1, "in_progress"), a_file(2)])
    page = await opened(api, clock=NOW)
    await expect(page.locator(".tile")).to_have_count(2)
    await api.quiet(page)
    api.lost, api.site_lost = True, "en.json"
    messages = page.locator("#messages")
    await page.clock.fast_forward(2_100)
    await expect(messages).to_match_aria_snapshot(heard("alert", "error.network"))
    await page.locator("[data-id=f2] input").click()
    await expect(messages).to_match_aria_snapshot(heard("alert", "error.network_action"))
    await page.get_by_role("button", name="English").click()
    await expect(messages).to_match_aria_snapshot(heard("alert", "error.language"))
    api.lost = False
    await page.clock.fast_forward(21_000)
    await expect(messages).to_match_aria_snapshot(heard("status", "recovered"))


Doing = Callable[[Page], Awaitable[None]]


async def mark_all(page: Page) -> None:
    await page.locator("#mark-all").click()


async def approve(page: Page) -> None:
    await page.locator("[data-id=f1] [data-act=approve]").click()


async def revise(page: Page) -> None:
    await page.locator("[data-id=f1] [data-act=revise]").click()
    await page.locator("#revision-note").fill("Bitte heller.")
    await page.locator("#revision-confirm").click()


async def remove(page: Page) -> None:
    await page.locator("[data-id=f1] [data-act=remove]").click()
    await page.locator("#removal-confirm").click()


async def submit(page: Page) -> None:
    await page.locator("[data-id=f1] input").check()
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()


@pytest.mark.parametrize(
    ("key", "status", "marked", "do"),
    [
        ("mark.done.other", "uploaded", False, mark_all),
        ("mark.undone.other", "uploaded", True, mark_all),
        ("approve.done", "done", True, approve),
        ("revision.done", "done", True, revise),
        ("remove.done", "failed", True, remove),
        ("submit.done.one", "uploaded", False, submit),
    ],
)
async def test_what_went_well_is_told_politely(opened: Opened, key: str, status: str, marked: bool, do: Doing) -> None:
    page = await opened(MockApi([a_file(1, status, marked=marked), a_file(2, status, marked=marked)]))
    await do(page)
    buttons = [GERMAN["undo"]] if key.startswith(("mark", "approve")) else []
    await expect(page.locator("#messages")).to_match_aria_snapshot(heard("status", key, *buttons))


ON_PICTURES: Final = """() => {
  const shown = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const boxOf = (node) => node.getBoundingClientRect();
  const crosses = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const colour = (css) => {
    const [r, g, b, alpha = 1] = css.match(/[\\d.]+/g).map(Number);
    return { rgb: [r, g, b], alpha };
  };
  const over = ({ rgb, alpha }, below) => rgb.map((part, at) => alpha * part + (1 - alpha) * below[at]);
  const light = (rgb) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const pictures = [...document.querySelectorAll("img")].filter(shown);
  const worst = (node, picture) => {
    const layers = [];
    for (let at = node; at && !at.contains(picture); at = at.parentElement) {
      layers.unshift(colour(getComputedStyle(at).backgroundColor));
    }
    const ink = colour(getComputedStyle(node).color).rgb;
    const grounds = [[0, 0, 0], [255, 255, 255]].map((below) => layers.reduce((so, layer) => over(layer, so), below));
    return Math.min(...grounds.map((ground) => contrast(ink, ground)));
  };
  const isText = ({ nodeType, data }) => nodeType === Node.TEXT_NODE && data.trim();
  const says = (node) => node.matches("svg") || [...node.childNodes].some(isText);
  const found = {};
  for (const picture of pictures) {
    const root = picture.closest("dialog, .tile");
    for (const node of root.querySelectorAll("*")) {
      if (node.contains(picture) || !shown(node) || !says(node) || !crosses(boxOf(node), boxOf(picture))) continue;
      const name = `${node.closest("[class]").getAttribute("class")} in ${node.closest("[id], .tile").id || "tile"}`;
      found[name] = Math.min(found[name] ?? 21, worst(node, picture));
    }
  }
  return found;
}"""
"""The contrast of what lies over a picture, at the worst that can be under it: black and white."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_what_lies_over_a_picture_can_be_read_whatever_the_picture_shows(opened: Opened, scheme: str) -> None:
    files = [a_file(1, "done"), a_file(2, "done", locked=True), a_file(3, "done")]
    files[2]["status"] = "failed"
    api = MockApi(files)
    page = await opened(api)
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await expect(page.locator("[data-picture=loaded]")).to_have_count(3)
    grid: dict[str, float] = await page.evaluate(ON_PICTURES)
    await page.locator("[data-id=f1] .open").click()
    await expect(page.locator("#large-image")).to_be_visible()
    large: dict[str, float] = await page.evaluate(ON_PICTURES)

    assert any("badge" in what for what in grid), grid
    assert any("icon" in what for what in large), large
    assert {what: ratio for what, ratio in {**grid, **large}.items() if ratio < 4.5} == {}
