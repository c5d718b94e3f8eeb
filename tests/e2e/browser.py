"""Chromium without a window, with a profile of its own, for pages that are opened as files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_TOOLS = ("chromium", "chromedriver")


def missing_browser() -> str:
    """The tools that this machine lacks, in words; empty if it has them all."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    return f"needs {', '.join(missing)}" if missing else ""


class Browser(Chrome):
    """Chromium, and what it has complained about."""

    def open(self, page: Path) -> None:
        """Open a file."""
        self.get(page.absolute().as_uri())

    def resize(self, width: int, height: int, scale: float = 1, *, dark: bool = False) -> None:
        """Give the page this many CSS pixels, and a light or dark system."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def complaints(self) -> list[str]:
        """The new lines in the console since the last call."""
        return [entry["message"] for entry in self.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last time; not data in the page, nor what its policy stopped."""
        messages = [json.loads(entry["message"])["message"] for entry in self.get_log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        failed = [m["params"] for m in messages if m["method"] == "Network.loadingFailed"]
        stopped = {params["requestId"] for params in failed if params.get("blockedReason") == "csp"}
        urls = [params["request"]["url"] for params in sent if params["requestId"] not in stopped]
        return [url for url in urls if not url.startswith(("data:", "chrome:"))]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium, and end it afterwards."""
    options = ChromeOptions()
    options.binary_location = shutil.which(_TOOLS[0]) or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(prefix="clipdesk-chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = Browser(options=options, service=Service(executable_path=shutil.which(_TOOLS[1]) or ""))
        try:
            yield browser
        finally:
            browser.quit()
