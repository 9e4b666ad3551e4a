"""A step and a window of networks, measured beside their peers, and written down as they come."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from benchmark.__main__ import main
from benchmark.bench import peers, step


class Ours(nn.Module):
    """Two layers, of which the backward pass wants what is between them once."""

    def __init__(self, in_channels: int, out_channels: int, *, patch_size: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Conv3d(in_channels, 8, 3, padding=1)
        self.last = nn.Conv3d(8, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.first(x).relu())
        return logits


class Plain(Ours):
    """Keeps what comes before the non-linearity as well."""

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.first(x).clamp(min=0))
        return logits


TWO = {"res_unet": Ours, "uxnet3d": Ours}
"""As if they were those networks, of which the second has a peer."""


def at_once(function: Any, *args: Any) -> Any:
    return function(*args)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of two layers, in this process."""
    monkeypatch.setattr(step, "in_fresh_process", at_once)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)  # tests that follow compare bits
    monkeypatch.setattr(step, "MATRIX", 64)
    monkeypatch.setattr(step, "COPIED", 2**16)
    monkeypatch.setitem(peers.PEERS, "uxnet3d", Plain)
    monkeypatch.setattr("benchmark.verbs.networks.builders", lambda names: {name: TWO[name] for name in names})


def test_every_number_that_the_table_names_is_measured_and_peers_agree(quick: None, tmp_path: Path):
    file, table, plot = tmp_path / "step.json", tmp_path / "step.md", tmp_path / "step.png"
    words = ["--networks", "uxnet3d", "--patch=16", "--classes=5", "--device=cpu", "--threads=1", "--repeats=1"]
    main(["bench", "step", *words, "--json", str(file), "--markdown", str(table), "--plot", str(plot)])
    cases = json.loads(file.read_text())["cases"]
    works = [f"{work}, {precision}" for work in ("step", "window") for precision in ("fp32", "bf16")]
    assert list(cases) == [f"uxnet3d, {work}" for work in works]
    for name, case in cases.items():
        assert min(case["ours"][key] for key in ("seconds", "cpu_seconds", "rate_gflops", "peak_share")) > 0
        assert (case["ours"]["saved_gib"] is None) == ("window" in name)
        assert case["max_difference"] < 1e-3
    one = cases["uxnet3d, step, bf16"]
    assert one["ratio"]["seconds"] == pytest.approx(one["peer"]["seconds"] / one["ours"]["seconds"])
    baseline = cases["uxnet3d, step, fp32"]["peer"]["seconds"]
    assert one["speedup_of_fp32"] == pytest.approx(baseline / one["ours"]["seconds"])
    assert one["ratio"]["saved_gib"] > 1
    assert len(table.read_text().splitlines()) == 2 + 4 + 4
    assert plot.is_file()


def test_what_was_measured_before_it_was_killed_is_kept(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def second_fails(sides: Any, *rest: Any) -> dict[str, Any]:
        if "peer" in sides:
            raise KeyboardInterrupt
        return {"step, fp32": {"ours": dict.fromkeys(vars(step.Cost(1, 1, 1, 1, 1, 1, 1)), 1.0)}}

    monkeypatch.setattr(step, "_compare", second_fails)
    words = ["--networks", "res_unet", "uxnet3d", "--patch", "32", "--device", "cpu"]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        main(["bench", "step", *words, "--json", str(tmp_path / "step.json")])
    assert list(json.loads((tmp_path / "step.json").read_text())["cases"]) == ["res_unet, step, fp32"]


def test_one_precision_alone_can_be_measured(quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for work in step.WORKS:
        monkeypatch.setitem(step.WORKS, work, lambda network, image, label, precision: image + 1)
    file = tmp_path / "step.json"
    words = ["--networks", "uxnet3d", "--patch=16", "--classes=5", "--threads=1", "--repeats=1", "--precisions", "bf16"]
    main(["bench", "step", *words, "--json", str(file)])
    found = json.loads(file.read_text())
    assert list(found["cases"]) == ["uxnet3d, step, bf16", "uxnet3d, window, bf16"]
    assert list(found["roofs"]["gflops"]) == ["bf16"]
    assert all("speedup_of_fp32" not in case and case["ratio"]["seconds"] > 0 for case in found["cases"].values())
