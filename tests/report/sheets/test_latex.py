import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders.cases import cases_of
from builders.printed import SHEET
from builders.runs import write_runs

from benchmark.figures.names import NETWORKS
from benchmark.report.numbers import compute
from benchmark.report.sheets.consistency import consistency_sheets
from benchmark.report.sheets.latex import latex
from benchmark.report.sheets.scores import main_sheets, paper_sheets, structure_sheet
from benchmark.report.sheets.sheet import decimals, numbers
from benchmark.report.sheets.statistics import statistics_sheets
from benchmark.runs.evidence import find_runs, gather, write_grid
from datamodules.labels.protocol import load_protocol

DOCUMENT = r"""\documentclass[journal]{IEEEtran}
\usepackage{booktabs, graphicx}
\begin{document}
%s
\end{document}
"""


def test_latex_is_booktabs_with_bold_and_underline_and_safe_signs():
    text = latex(SHEET, "fusion")
    assert r"\toprule" in text and r"\bottomrule" in text
    assert r"u\&net & \textbf{0.95 $\pm$ 0.02} & \textbf{2.0 $\pm$ 1.0} & 5 \\" in text
    assert r"cross\_fusion & \underline{0.91 $\pm$ 0.01}" in text
    assert "±" not in text
    assert rf"\label{{tab:fusion-{SHEET.name}}}" in text  # tables of two experiments may stand in one paper


def test_wide_tables_span_both_columns_of_a_page_and_turn_their_headings():
    wide = replace(SHEET, columns=tuple(replace(SHEET.columns[0], heading=f"a column {k}") for k in range(5)))
    assert r"\begin{table*}" in latex(wide, "fusion") and r"\begin{table}" in latex(SHEET, "fusion")
    wider = replace(SHEET, columns=tuple(replace(SHEET.columns[2], heading=f"a long heading {k}") for k in range(9)))
    assert r"\rotatebox{90}{a long heading 8}" in latex(wider, "fusion")


def test_what_no_page_holds_is_set_as_several_tables_whose_best_stay_the_best_of_all():
    values = list(np.linspace(0.1, 0.9, 120))
    rows = tuple(f"structure {k}" for k in range(120))
    long = replace(SHEET, rows=rows, columns=(numbers("Dice", values, decimals(3), "higher"),))
    text = latex(long, "fusion")
    assert text.count(r"\begin{table}") == 3 and text.count(r"\textbf") == 1
    assert r"\label{tab:fusion-overall-3}" in text and "Overall, continued." in text
    names = [name for name in rows if f"{name} &" in text]
    assert len(names) == 120


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs a TeX with IEEEtran (texlive-publishers)")
def test_eleven_networks_and_44_structures_fit_two_columns_of_ieee(tmp_path: Path):
    protocol = load_protocol("aseg45")
    cases = cases_of(12, list(NETWORKS), 44, folds=3, skill={"vnet": 0.95})
    names = cases["label"].map(dict(enumerate(protocol.names)))
    write_runs(tmp_path / "runs", cases.assign(structure=names, unit="SUVR (cerebellar cortex)"))
    write_grid(tmp_path / "runs", [run.record for run in find_runs([tmp_path / "runs"])])
    shutil.rmtree(tmp_path / "runs/nnformer/fold-1-seed-0")
    (evidence,) = gather([tmp_path / "runs"])
    found = compute(evidence)
    makers = (main_sheets, paper_sheets, statistics_sheets, consistency_sheets)
    sheets = [structure_sheet(evidence, found), *(sheet for make in makers for sheet in make(evidence, found))]
    assert {"overall", "structures", "tests_dice", "leader_dice", "consistency_volume_networks", "paper_dice"} <= {
        sheet.name for sheet in sheets
    }
    body = "\n\\clearpage\n".join(latex(sheet, "test") for sheet in sheets)
    (tmp_path / "tables.tex").write_text(DOCUMENT % body, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "tables.log").read_text(errors="replace")
    assert not re.findall(r"Overfull.*|Float too large.*|Missing character.*", log)
