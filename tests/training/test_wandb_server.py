import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import wandb

from benchmark.training import wandb_server
from benchmark.training.wandb_server import usable


@pytest.fixture
def server_at(monkeypatch):
    """Let Weights & Biases be somewhere, with a key for it."""

    def place(address):
        monkeypatch.setattr(wandb_server, "ANSWER_S", 1.0)
        monkeypatch.setattr(wandb, "login", lambda **given: True)
        settings = type("Setup", (), {"settings": type("Settings", (), {"base_url": address})})
        monkeypatch.setattr(wandb, "setup", lambda: settings)

    return place


def test_other_modes_ask_nobody(monkeypatch):
    monkeypatch.setattr(wandb, "login", lambda **given: pytest.fail("asked"))
    assert [usable(mode) for mode in ("offline", "disabled")] == ["offline", "disabled"]


def test_without_a_key_all_runs_are_recorded_offline(monkeypatch, caplog):
    monkeypatch.setattr(wandb, "login", lambda **given: False)
    assert usable("online") == "offline"
    assert caplog.messages[-1:] == [
        "Weights & Biases can't be reached (there is no key: give `wandb login`): all runs are recorded offline, for "
        "`wandb sync`."
    ]


def test_a_server_that_hangs_or_is_not_there_costs_seconds_once(server_at, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for address in (f"http://127.0.0.1:{silent.getsockname()[1]}", "http://127.0.0.1:9", "http://nowhere.invalid"):
            server_at(address)
            begun = time.monotonic()
            assert usable("online") == "offline"
            assert time.monotonic() - begun < 3
            assert f"({address} doesn't answer in 1 s)" in caplog.messages[-1]


def test_any_answer_of_a_server_is_one(server_at):
    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *words):
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.handle_request, daemon=True).start()
        server_at(f"http://127.0.0.1:{server.server_port}")
        assert usable("online") == "online"
