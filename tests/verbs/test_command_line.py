import subprocess
import sys

import pytest
from builders.cohorts import make_cohort

from benchmark.__main__ import VERBS, main

HEAVY = ("lightning", "matplotlib", "monai", "pandas", "scipy", "torch")
SHOW_HELP = f"""
import sys
from benchmark.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    sys.exit(f"{{end.code}} {{[name for name in {HEAVY} if name in sys.modules]}}")
"""


@pytest.mark.parametrize("words", [["--help"], *([verb, "--help"] for verb in VERBS)], ids=" ".join)
def test_help_waits_for_no_heavy_library(words):
    shown = subprocess.run([sys.executable, "-c", SHOW_HELP, *words], capture_output=True, text=True, check=False)
    assert shown.stdout.startswith("usage: petmr ")
    assert shown.stderr == "0 []\n"


def test_help_names_every_verb_and_an_unknown_one_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(verb in told for verb in VERBS)
    with pytest.raises(SystemExit) as end:
        main(["trian"])
    assert end.value.code == 2
    assert "trian" in capsys.readouterr().err


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Holds a source and a cohort of four."""
    folder = tmp_path_factory.mktemp("data")
    make_cohort(folder)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        "simulate out --labels nowhere",
        "prepare source out --protocol nope",
        "export nnunet cohort out --folds 9",
        "adopt demo source --name a --fold 0 --cohort cohort --output out",
        "tune overall --trials 1 --cohort cohort --output out",
        "run overall --cohort cohort --output out",
        "predict --checkpoint quick --source nowhere --output out",
        "predict --checkpoint nowhere.ckpt --source source --output out",
        "predict --checkpoint quick --source source --output out --device gpu",
        "score source cohort --output out/cases.csv",
        "shrink cohort/cohort.json out/x.ckpt",
        "report source --output out",
        "pack source --output out/x.zip",
        "picture cohort nobody out/p.png",
        "protocol cohort/cohort.json out/p.tsv",
        "init nowhere --output out/manifest.csv",
    ],
)
def test_a_command_that_fails_leaves_no_folder(place, monkeypatch, words):
    monkeypatch.chdir(place)
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 1
    assert not (place / "out").exists()
