import json

from benchmark.__main__ import main
from benchmark.bench import scoring
from benchmark.bench.measuring import Cost, comparison
from benchmark.bench.table import comparison_table

CASES = {"close: dice": comparison(Cost(0.5, 0), Cost(20, 300), 1e-9)}


def test_a_comparison_is_shown_with_its_ratios():
    (row,) = comparison_table(CASES).to_dict("records")
    assert row == {
        "case": "close: dice",
        "ours, CPU-s": "0.5",
        "peer, CPU-s": "20",
        "ratio of CPU-s": "40",
        "ours, MiB": "0",
        "peer, MiB": "300",
        "ratio of MiB": "-",
        "max difference": "1e-09",
    }


def test_the_verb_prints_and_writes_what_was_measured(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scoring, "bench", lambda begin: begin("close: dice") or CASES)
    main(["bench", "scoring", "--json", str(tmp_path / "bench.json")])
    assert json.loads((tmp_path / "bench.json").read_text()) == CASES
    told = capsys.readouterr()
    assert "close: dice" in told.out
    assert told.err == "scoring: close: dice ...\n"
