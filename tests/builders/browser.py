"""A headless Chromium, driven through chromedriver's W3C interface with the standard library alone."""

import json
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

OPTIONS = {
    "goog:loggingPrefs": {"browser": "ALL"},
    "goog:chromeOptions": {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,1600"]},
}


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
