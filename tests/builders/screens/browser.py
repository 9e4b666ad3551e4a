"""A headless Chromium, driven through chromedriver's W3C interface with the standard library alone."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

QUIET = ("quic", "background-networking", "component-update", "sync")
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1300,900"]
OPTIONS = {
    "goog:loggingPrefs": {"browser": "ALL"},
    "goog:chromeOptions": {"args": [*ARGUMENTS, *(f"--disable-{service}" for service in QUIET)]},
}
AXE = Path(os.environ.get("AXE", ".venv/cache/npm/node_modules/axe-core/axe.min.js"))
"""Where `make test-browser` installs axe-core."""
SERIOUS = ("serious", "critical")


def available() -> bool:
    return all(map(shutil.which, ("chromium", "chromedriver")))


class Page:
    """One open page."""

    def __init__(self, session: str) -> None:
        self.session = session

    def open(self, file: Path) -> None:
        ask(f"{self.session}/url", {"url": file.resolve().as_uri()})

    def run(self, script: str, *arguments: object) -> Any:
        """What a function body returns in the page."""
        return ask(f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, condition: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"{condition} did not come true in {seconds} s"
            time.sleep(0.1)

    def console(self) -> list[str]:
        """Everything that the page logged since it was last asked."""
        return [entry["message"] for entry in ask(f"{self.session}/se/log", {"type": "browser"})]

    def text(self, selector: str) -> str:
        """Of the first element that is meant, with plain spaces."""
        found = str(self.run("return document.querySelector(arguments[0]).textContent", selector))
        return " ".join(found.split())

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def devtools(self, command: str, **parameters: object) -> Any:
        """What Chromium's own protocol answers."""
        return ask(f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screen(self, width: int, height: int = 800) -> None:
        """Of so many pixels; below 600 a telephone's."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)

    def media(self, medium: str = "", **features: str) -> None:
        """Say `print`, or what a person prefers: `scheme="dark"`, `motion="reduce"`."""
        names = {"scheme": "prefers-color-scheme", "motion": "prefers-reduced-motion"}
        told = [{"name": names[name], "value": value} for name, value in features.items()]
        self.devtools("Emulation.setEmulatedMedia", media=medium, features=told)

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        """Move, press, release or turn the wheel at a place of the window, as a hand would."""
        self.devtools("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, selector: str) -> None:
        """Click where an element is, after scrolling to it."""
        x, y = self.place(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def place(self, selector: str) -> tuple[float, float]:
        """The middle of an element in the window, after scrolling to it."""
        x, y = self.run(
            "const one = document.querySelector(arguments[0]);"
            "one.scrollIntoView({block: 'center', behavior: 'instant'}); const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]",
            selector,
        )
        return float(x), float(y)

    def key(self, name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=KEYS[name])

    def printed(self) -> bytes:
        """The page as PDF, on A4."""
        options = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
        return base64.b64decode(self.devtools("Page.printToPDF", **options)["data"])

    def faults(self) -> list[str]:
        """The serious faults of accessibility that axe-core finds, each with the first elements at fault."""
        self.run(AXE.read_text())
        found = self.run("return axe.run(document).then(told => told.violations)")
        return [
            f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in found
            if one["impact"] in SERIOUS
        ]


KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "PageUp": 33, "PageDown": 34, "Escape": 27}


@contextmanager
def chromium() -> Iterator[Page]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    root = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(root)
        answer = ask(f"{root}/session", {"capabilities": {"alwaysMatch": OPTIONS}})
        session = f"{root}/session/{answer['sessionId']}"
        yield Page(session)
        urllib.request.urlopen(urllib.request.Request(session, method="DELETE"), timeout=20).close()
    finally:
        driver.terminate()
        driver.wait(20)


def wait_until_ready(root: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if json.load(urllib.request.urlopen(f"{root}/status", timeout=5))["value"]["ready"]:
                return
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def ask(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        return json.load(urllib.request.urlopen(request, timeout=60))["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from error
