"""A customer far away, on a phone, with many photos. Figures are those of Chromium's own emulation."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.browser import devtools
from tests.web.conftest import Opened
from tests.web.far_away import SLOW, a_preview, served
from tests.web.mock_api import ORDER, MockApi, a_file

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUSY = 1.5
"""What other tests on the same machine may add: the emulated network takes most of the time."""
MARKS = """
  window.seen = {};
  const note = (name, isThere) => {
    if (isThere && !(name in window.seen)) window.seen[name] = performance.now();
  };
  const look = () => {
    note("header", document.querySelector("h1")?.textContent);
    note("counts", /\\d/.test(document.querySelector("#progress-line")?.textContent ?? ""));
    note("tiles", document.querySelectorAll(".tile.is-near").length >= 8);
    note("preview", document.querySelector('[data-picture="loaded"]'));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
"""
"""When what was there to be seen first, in ms since the address was opened."""
DISTANCE = 6_400
FLICK = {"yDistance": -DISTANCE, "speed": 2_400, "gestureSourceType": "mouse"}
"""CSS pixels, and those a second. By a wheel: Chromium's own finger scrolls no page here, not even an empty one."""
PLAIN_TEXT = '<meta name="viewport" content="width=device-width">' + "<p>Plain text, and nothing else.</p>" * 600
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}
NARROW_WINDOW: dict[str, Any] = {"viewport": {"width": 390, "height": 900}}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
FIRST_TILES = """
  window.firstTiles = 0;
  new MutationObserver(() => {
    window.firstTiles ||= document.querySelectorAll(".tile").length;
  }).observe(document, { childList: true, subtree: true });
"""
"""How many photos there were when the first were there."""
SCROLLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const isOnScreen = ({ top, bottom }) => bottom > 0 && top < innerHeight;
  const far = () => [...document.querySelectorAll(".tile:not(.is-near)")];
  scrollTo(0, 0);
  await frame();
  const pauses = [];
  const seen = { bare: 0, rows: 0, building: 0 };
  const tops = new Set();
  let built = 0;
  const observer = new MutationObserver((changes) => {
    built += changes.filter(({ target }) => target.matches(".is-near")).length;
  });
  for (const tile of far()) observer.observe(tile, { attributes: true, attributeFilter: ["class"] });
  let before = await frame();
  while (pauses.length < 160) {
    scrollBy(0, 40);
    const now = await frame();
    pauses.push(now - before);
    before = now;
    if (built > 0) seen.building += 1;
    built = 0;
    seen.bare += far().filter((tile) => isOnScreen(tile.getBoundingClientRect())).length;
    for (const tile of document.querySelectorAll(".tile.is-near")) tops.add(tile.offsetTop);
  }
  observer.disconnect();
  seen.rows = tops.size;
  return { ...seen, usual: pauses.sort((a, b) => a - b)[80] };
}"""
"""160 frames, 40 pixels each: at 60 frames a second, a strong flick of a finger. `bare`: photos on the screen without
their parts, added over all frames; `building`: frames in which photos got theirs; `rows`: rows that had them;
`usual`: the pause between frames in the middle, in ms, for those who measure."""


def of_done(count: int) -> MockApi:
    return MockApi([a_file(number, "done") for number in range(1, count + 1)])


async def test_four_hundred_ms_away_at_fifty_kb_a_second_it_is_there_in_time(browser: Browser) -> None:
    assert 110_000 < len(a_preview()) < 200_000
    api = of_done(300)
    async with served(api) as link:
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        try:
            session = await devtools(page)
            await session.send("Network.enable")
            await session.send("Network.emulateNetworkConditions", **SLOW)
            await page.add_init_script(MARKS)
            await page.goto(link, wait_until="commit")
            await page.wait_for_function("() => 'preview' in seen", timeout=30_000)
            seen: dict[str, float] = await page.evaluate("seen")
        finally:
            await page.close()
    assert seen["header"] <= 2_500 * BUSY, seen
    assert seen["counts"] <= 2_500 * BUSY, seen
    assert seen["tiles"] <= 2_500 * BUSY, seen
    assert seen["preview"] <= 7_000 * BUSY, seen


async def test_three_hundred_photos_scroll_on_a_slow_phone(opened: Opened) -> None:
    page = await opened(of_done(300))
    await expect(page.locator(".tile")).to_have_count(300)
    session = await devtools(page)
    await session.send("Emulation.setCPUThrottlingRate", rate=4)
    seen: dict[str, float] = await page.evaluate(SCROLLED)
    assert seen["bare"] == 0, "whatever is on the screen was built before it came there"
    assert seen["building"] <= seen["rows"], "a row at a time: most frames have nothing to build"
    await session.send("Emulation.setCPUThrottlingRate", rate=1)
    await page.wait_for_function("() => document.querySelectorAll('.tile.is-near').length <= 60")


@pytest.mark.parametrize(
    ("screen", "start"),
    [(PHONE, ".tile"), (PHONE, "#filters"), (NARROW_WINDOW, "#filters"), (DESKTOP, ".tile")],
    ids=["phone-photos", "phone-filters", "narrow_window-filters", "desktop-photos"],
)
async def test_a_flick_through_three_hundred_photos_does_not_wait_for_the_page(
    browser: Browser, screen: dict[str, Any], start: str
) -> None:
    async with served(of_done(300)) as link:
        page = await browser.new_page(**screen)
        try:
            await page.goto(link)
            await expect(page.locator(".tile")).to_have_count(300)
            photos = await frames_of_a_flick(browser, page, start)
            await page.goto("about:blank")
            await page.set_content(PLAIN_TEXT)
            plain = await frames_of_a_flick(browser, page, "p")
        finally:
            await page.close()
    print(f"\n{photos}\nplain text: {plain}")
    assert photos.moved_by == plain.moved_by == {"SCROLL_COMPOSITOR_THREAD"}
    assert photos.shown >= 0.6 * plain.shown, "on the same machine, a moment later"


async def test_a_thousand_photos_are_there_at_once_and_a_screen_of_them_is_small(opened: Opened) -> None:
    api = of_done(1000)
    page = await opened(api, init=FIRST_TILES)
    await expect(page.locator(".tile.is-near").nth(7)).to_be_visible()
    assert 8 <= await page.evaluate("firstTiles") < 50, "the first photos do not wait for the rest of the list"
    await expect(page.locator(".tile")).to_have_count(1000)
    for top in (0, 20_000):
        await page.evaluate(f"scrollTo(0, {top})")
        await expect(page.locator(".tile.is-near").first).to_be_visible()
        await api.quiet(page)
        assert 0 < await nodes_on_screen(page) <= 200
    assert await page.evaluate("document.querySelectorAll('*').length") < 3_000


@dataclass(frozen=True, kw_only=True)
class Frames:
    """While something scrolled, as Chromium itself counts them; and the thread that had to say what scrolls."""

    shown: int
    dropped: int
    with_gaps: int
    """Something in them was not drawn yet."""
    moved_by: set[str]


async def frames_of_a_flick(browser: Browser, page: Page, start: str) -> Frames:
    box = await page.locator(start).first.bounding_box()
    assert box is not None
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = await devtools(page)
    await session.send("Emulation.setCPUThrottlingRate", rate=4)
    await browser.start_tracing(page=page, categories=["cc", "benchmark"])
    await session.send("Input.synthesizeScrollGesture", **middle, **FLICK)
    trace: Any = json.loads(await browser.stop_tracing())
    assert await page.evaluate("scrollY") == DISTANCE
    told = [
        event["args"].get("frame_reporter") for event in trace["traceEvents"] if event["name"] == "PipelineReporter"
    ]
    scrolled = [frame for frame in told if frame and frame["scroll_state"] != "SCROLL_NONE"]
    # A frame is told twice when what the page's script changed comes later than what the compositor moved.
    shown = {frame["frame_sequence"] for frame in scrolled if frame["state"].startswith("STATE_PRESENTED")}
    return Frames(
        shown=len(shown),
        dropped=sum(frame["state"] == "STATE_DROPPED" for frame in scrolled),
        with_gaps=sum(bool(frame.get("has_missing_content")) for frame in scrolled),
        moved_by={frame["scroll_state"] for frame in scrolled},
    )


async def nodes_on_screen(page: Page) -> int:
    found: Any = await page.evaluate(
        """() => [...document.querySelectorAll("#grid, #grid *")].filter((one) => {
          const { top, bottom } = one.getBoundingClientRect();
          return bottom > 0 && top < innerHeight;
        }).length"""
    )
    return int(found)


async def test_the_page_asks_for_little_before_it_shows_something(opened: Opened) -> None:
    page = await opened(of_done(300))
    await expect(page.locator(".tile")).to_have_count(300)
    own: list[str] = await page.evaluate(
        "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)"
    )
    first = own[: own.index(f"/api/orders/{ORDER}/files") + 1]
    assert len([path for path in first if path.startswith("/review-assets/")]) <= 5
