"""How the page asks: politely, safely, and what it says when there is no good answer."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import REVIEW, Opened
from tests.web.mock_api import BUCKET, NOW, ORDER, SITE, MockApi, Refusal, a_file

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATUS = f"**/api/orders/{ORDER}/status"
HIDEABLE = """
  window.tabHidden = false;
  Object.defineProperty(document, "hidden", { get: () => window.tabHidden });
  Object.defineProperty(document, "visibilityState", { get: () => (window.tabHidden ? "hidden" : "visible") });
  window.setHidden = (hidden) => {
    window.tabHidden = hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  };
"""


def looks(api: MockApi) -> int:
    return len(api.asked("GET", "/status"))


async def settled(page: Page, api: MockApi) -> None:
    await expect(page.locator(".tile").first).to_be_visible()
    await api.quiet(page)


async def test_it_asks_often_while_something_is_in_progress(opened: Opened) -> None:
    api = MockApi([a_file(1, "in_progress")])
    page = await opened(api, clock=NOW)
    await settled(page, api)
    for _ in range(3):
        async with page.expect_request(STATUS):
            await page.clock.fast_forward(2_100)
        await api.quiet(page)


async def test_it_asks_seldom_when_nothing_moves(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api, clock=NOW)
    await settled(page, api)
    await page.clock.fast_forward(15_000)
    assert looks(api) == 1
    async with page.expect_request(STATUS):
        await page.clock.fast_forward(16_000)


async def test_a_hidden_tab_asks_nothing_and_a_shown_one_at_once(opened: Opened) -> None:
    api = MockApi([a_file(1, "in_progress"), a_file(2, "done")])
    page = await opened(api, clock=NOW, init=HIDEABLE)
    await settled(page, api)
    await page.get_by_role("button", name="IMG_0002.jpg groß ansehen").click()
    await expect(page.get_by_role("link", name="Vorschau in neuem Tab öffnen")).to_be_visible()
    await api.quiet(page)
    await page.evaluate("setHidden(true)")
    before = len(api.requests)
    await page.clock.run_for(60 * 60 * 1000)
    assert len(api.requests) == before
    api.finish("f1")
    async with page.expect_request(STATUS):
        await page.evaluate("setHidden(false)")
    await expect(page.locator("[data-id=f1] .badge").first).to_have_text("Fertig")


async def test_an_unchanged_order_is_not_listed_again(opened: Opened) -> None:
    api = MockApi([a_file(1, "in_progress"), a_file(2, "queued")])
    page = await opened(api, clock=NOW)
    await settled(page, api)
    async with page.expect_request(STATUS):
        await page.clock.fast_forward(2_100)
    await api.quiet(page)
    assert len(api.asked("GET", "/files")) == 1


async def test_an_expired_url_is_replaced_by_a_new_one(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.good_urls = {f"{BUCKET}/preview/f1.jpg?signature=2"}
    sign = api.sign

    def only_the_second_works(file_id: str) -> dict[str, object]:
        answer = sign(file_id)
        api.good_urls = {f"{BUCKET}/preview/f1.jpg?signature=2"}
        return answer

    api.sign = only_the_second_works
    page = await opened(api)
    await expect(page.locator(".picture")).to_be_visible()
    assert api.signed == 2


async def test_a_signed_url_is_renewed_before_it_runs_out(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.clock = lambda: NOW
    page = await opened(api, clock=NOW)
    await page.get_by_role("button", name="IMG_0001.jpg groß ansehen").click()
    link = page.get_by_role("link", name="Vorschau in neuem Tab öffnen")
    await expect(link).to_have_attribute("href", f"{BUCKET}/preview/f1.jpg?signature=1")
    api.clock = lambda: NOW + timedelta(minutes=4, seconds=40)
    await page.clock.fast_forward(2 * 60_000)  # the page's clock runs on besides, and on a busy machine for long
    await expect(link).to_have_attribute("href", f"{BUCKET}/preview/f1.jpg?signature=1")
    await page.clock.fast_forward(160_000)
    await expect(link).to_have_attribute("href", f"{BUCKET}/preview/f1.jpg?signature=2")


async def test_a_preview_that_cannot_be_loaded_says_so_and_gives_up(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.picture = lambda _: b"not a picture"
    page = await opened(api)
    await expect(page.locator(".picture-hint")).to_have_text("Vorschau gerade nicht ladbar")
    assert api.signed == 2


async def test_a_thousand_files_are_shown_with_few_previews_and_few_requests_at_a_time(opened: Opened) -> None:
    api = MockApi([a_file(number, "done") for number in range(1, 1001)])
    page = await opened(api)
    await expect(page.locator(".tile")).to_have_count(1000)
    await settled(page, api)
    assert len(api.asked("GET", f"/orders/{ORDER}/files")) == 6, "a window's worth first, then the rest"
    assert api.signed < 100
    assert api.most_in_flight <= 4
    await page.evaluate("scrollTo(0, document.body.scrollHeight)")
    # Its state, not its visibility: asking for that outside the window keeps Chromium from drawing.
    await expect(page.locator("[data-id=f1000]")).to_have_attribute("data-picture", "loaded")
    assert api.signed < 200
    assert api.most_in_flight <= 4


async def test_a_thousand_files_are_submitted_in_one_request(opened: Opened) -> None:
    api = MockApi([a_file(number, marked=True) for number in range(1, 1001)])
    page = await opened(api)
    await expect(page.locator("#submit-line")).to_have_text("1.000 Fotos ausgewählt")
    await page.locator("#submit").click()
    await page.locator("#submit-confirm").click()
    await expect(page.locator(".message.good p")).to_have_text("1.000 Fotos sind auf dem Weg.")
    assert [len(body["files"]) for body in api.asked("POST", "/submit-edits")] == [1000]


async def test_the_token_of_a_link_is_kept_for_the_tab_and_never_sent_in_an_address(opened: Opened) -> None:
    api = MockApi([a_file(1)])
    page = await opened(api, fragment="#token=abc.def.ghi")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await settled(page, api)
    assert page.url == REVIEW
    await page.reload()
    await settled(page, api)
    assert set(api.authorization) == {"Bearer abc.def.ghi"}
    assert not any("abc.def" in url for url in addresses)


async def test_without_a_token_the_cookie_speaks(opened: Opened) -> None:
    api = MockApi([a_file(1)])
    page = await opened(api)
    await settled(page, api)
    assert set(api.authorization) == {None}


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, "unauthenticated", "Bitte melden Sie sich an, um Ihre Fotos zu sehen"),
        (403, "forbidden", "Dieser Auftrag gehört zu einem anderen Konto."),
        (404, "order_not_found", "Diesen Auftrag gibt es nicht oder nicht mehr."),
    ],
)
async def test_a_refused_view_is_explained_and_not_asked_for_again(
    opened: Opened, status: int, code: str, says: str
) -> None:
    api = MockApi([a_file(1)])
    api.refuse["/api/"] = Refusal(status, code)
    page = await opened(api, clock=NOW)
    await expect(page.get_by_role("alert")).to_contain_text(says)
    await page.clock.run_for(120_000)
    assert looks(api) == 1
    api.refuse.clear()
    await page.get_by_role("button", name="Erneut versuchen").click()
    await expect(page.locator(".tile")).to_have_count(1)
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_session_that_ends_keeps_the_photos_and_goes_on_with_a_new_token(opened: Opened) -> None:
    api = MockApi([a_file(1, "done"), a_file(2)])
    page = await opened(api, fragment="#token=old")
    await settled(page, api)
    api.refuse["/api/"] = Refusal(401, "unauthenticated")
    await page.locator("[data-id=f2] input").click()
    await expect(page.get_by_role("alert")).to_contain_text("Anmeldung ist abgelaufen")
    await expect(page.locator("[data-id=f1] .picture")).to_be_visible()
    api.refuse.clear()
    await page.evaluate("location.hash = 'token=new'")
    await expect(page.get_by_role("alert")).to_have_count(0)
    assert api.authorization[-1] == "Bearer new"
    assert page.url == REVIEW


async def test_a_lost_network_keeps_what_is_shown_says_so_and_recovers(opened: Opened) -> None:
    api = MockApi([a_file(1, "in_progress"), a_file(2, "done"), a_file(3)])
    page = await opened(api, clock=NOW)
    await settled(page, api)
    api.lost = True
    await page.clock.fast_forward(2_100)
    await expect(page.get_by_role("alert")).to_contain_text("Keine Verbindung. Sie sehen den letzten Stand")
    await expect(page.locator("[data-id=f2] .picture")).to_be_visible()
    await page.locator("[data-id=f3] input").click()
    await expect(page.get_by_role("alert").last).to_contain_text("Aktion wurde vielleicht nicht ausgeführt")
    api.lost = False
    api.finish("f1")
    await page.clock.fast_forward(21_000)
    await expect(page.get_by_text("Die Verbindung ist wieder da.")).to_be_visible()
    await expect(page.locator("[data-id=f1] .badge").first).to_have_text("Fertig")


async def test_a_service_that_is_away_for_a_moment_is_asked_again(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    api.refuse["/api/"] = Refusal(503, "storage_unavailable")
    page = await opened(api, clock=NOW)
    await expect(page.get_by_role("alert")).to_contain_text("Der Dienst ist gerade nicht erreichbar.")
    api.refuse.clear()
    await page.clock.fast_forward(2_100)
    await expect(page.locator(".tile")).to_have_count(1)


async def test_the_policy_of_the_page_forbids_inline_script_and_html_from_text(opened: Opened) -> None:
    api = MockApi([a_file(1)])
    page = await opened(api)
    await settled(page, api)
    answer = await page.evaluate("fetch(location.href).then((page) => page.headers.get('content-security-policy'))")
    assert f"img-src 'self' {BUCKET};" in answer
    assert "unsafe" not in answer
    trial = "() => { try { document.body.innerHTML = '<b>'; } catch (error) { return error.name; } }"
    assert await page.evaluate(trial) == "TypeError"


async def test_nothing_is_asked_of_any_other_place(opened: Opened) -> None:
    api = MockApi([a_file(1, "done")])
    page = await opened(api)
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    await page.reload()
    await expect(page.locator(".picture")).to_be_visible()
    assert all(address.startswith((f"{SITE}/", f"{BUCKET}/")) for address in addresses)
