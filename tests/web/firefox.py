"""The system's Firefox, driven by its own protocol (Marionette): no registry of packages brings one."""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

MISSING: Final = "neither firefox-esr nor firefox is in PATH; on Debian: apt-get install firefox-esr"
_START_SECONDS: Final = 60
_PREFERENCES: Final = """user_pref("marionette.port", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"""


class FirefoxError(Exception):
    """What Firefox answered instead of a result."""


class Firefox:
    """One window. Every method raises FirefoxError for what Firefox refuses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asked = 0

    async def open(self, url: str) -> None:
        await self.ask("WebDriver:Navigate", url=url)

    async def back(self) -> None:
        await self.ask("WebDriver:Back")

    async def evaluate(self, expression: str) -> Any:
        answer = await self.ask("WebDriver:ExecuteScript", script=f"return {expression}", args=[])
        return answer["value"]

    async def until(self, expression: str, *, seconds: float = 40) -> None:
        """Wait for this to be true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not await self.evaluate(expression):  # noqa: ASYNC110  # Firefox answers and never calls
                await asyncio.sleep(0.05)

    async def press(self, key: str) -> None:
        presses = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        await self.ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keys", "actions": presses}])

    async def ask(self, command: str, **parameters: Any) -> Any:
        """One command and its answer: a length, a colon, and [kind, number, error or name, result or parameters]."""
        self._asked += 1
        message = json.dumps([0, self._asked, command, parameters]).encode()
        self._writer.write(b"%d:%s" % (len(message), message))
        await self._writer.drain()
        _, _, error, result = await self.read()
        if error:
            raise FirefoxError(f"{command}: {error}")
        return result

    async def read(self) -> Any:
        length = await self._reader.readuntil(b":")
        return json.loads(await self._reader.readexactly(int(length[:-1])))


@asynccontextmanager
async def firefox(profile: Path) -> AsyncGenerator[Firefox]:
    """A running Firefox with a profile of its own. Raises FileNotFoundError without Firefox, TimeoutError."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        raise FileNotFoundError(MISSING)
    profile.mkdir()
    (profile / "user.js").write_text(_PREFERENCES)
    arguments = ["--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    process = await asyncio.create_subprocess_exec(
        path, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        reader, writer = await _connected(profile / "MarionetteActivePort")
        window = Firefox(reader, writer)
        await window.read()
        await window.ask("WebDriver:NewSession", capabilities={})
        yield window
        writer.close()
    finally:
        process.terminate()
        await process.wait()


async def _connected(port_file: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", int(port_file.read_text()))
            except (FileNotFoundError, ValueError, ConnectionRefusedError):
                await asyncio.sleep(0.05)
