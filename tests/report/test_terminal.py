"""A report on terminals of several widths."""

import pickle
import re
import sys
from pathlib import Path

import pandas as pd
import pytest
from builders.cases import cases_of
from builders.runs import write_runs
from builders.screens.terminal import in_terminal

import benchmark.report.write
from benchmark.figures.names import NETWORKS
from benchmark.report.console import make_report
from benchmark.report.write import report

SHOW = """
import pickle, sys
from pathlib import Path
from benchmark.report.console import show_report
show_report(pickle.loads(Path(sys.argv[1]).read_bytes()))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of eleven networks on forty structures, pickled beside its page; figures aren't looked at."""
    networks = [name for name in NETWORKS if not name.endswith("_l") and name != "mmformer"]
    folder = tmp_path_factory.mktemp("terminal")
    runs = write_runs(folder / "runs", cases_of(4, networks, structures=40))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark.report.write, "draw_all", lambda *_: ())
        (folder / "made.pickle").write_bytes(pickle.dumps(report([runs], folder / "report")))
    return folder


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_a_report_is_told_whole_in_so_many_columns(made: Path, columns: int):
    text = in_terminal([sys.executable, "-c", SHOW, str(made / "made.pickle")], columns)
    lines = text.splitlines()
    assert "…" not in text and max(map(len, lines)) <= columns
    told = " ".join(text.split())
    assert "leads, but no test could confirm it" in told and "The uncertainty is over 4 subjects" in told
    assert "no statement about the networks" in told
    assert "The first 30 of 40 rows; all of it is in" in told
    of_networks = pd.read_csv(made / "report/test/tables/overall.csv", dtype=str)
    (row,) = (line for line in lines if line.startswith("│ MedNeXt"))
    _, *shown = (cell.strip() for cell in row.strip("│").split("│"))
    _, *whole = of_networks[of_networks["Network"] == "MedNeXt (Roy 2023)"].iloc[0]
    assert shown == whole[: len(shown)] and len(shown) >= 3
    if len(shown) < len(whole):
        unbroken = "".join(text.split())
        assert re.search(rf"{columns}columnsaretoofew:.*spurious;allofitisin.*overall\.csv", unbroken)


def test_a_report_tells_its_steps_as_they_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setattr(benchmark.report.write, "draw_all", lambda *_: ())
    make_report([write_runs(tmp_path / "runs", cases_of(4))], tmp_path / "report")
    steps = ["runs", "test: statistics", "test: tables", "test: figures", "page"]
    assert capsys.readouterr().err.splitlines() == [f"report: {step}" for step in steps]
