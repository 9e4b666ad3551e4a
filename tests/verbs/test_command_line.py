import subprocess
import sys

import pytest

from benchmark.__main__ import VERBS

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
    from benchmark.__main__ import main

    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(verb in told for verb in VERBS)
    with pytest.raises(SystemExit) as end:
        main(["trian"])
    assert end.value.code == 2
    assert "trian" in capsys.readouterr().err
