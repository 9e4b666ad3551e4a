from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.runs import write_runs

from benchmark.figures.curves import against_learning_rate
from benchmark.figures.style import house_style, looks
from benchmark.report.how_trained import provenance
from benchmark.report.numbers import compute
from benchmark.report.sheets.covariates import divide
from benchmark.report.sheets.scores import main_sheets
from benchmark.report.sheets.tuning import trials_of, tuning_sheets
from benchmark.report.write import write_tables
from benchmark.runs.about import About, write_about
from benchmark.runs.evidence import Evidence, gather
from benchmark.runs.tuned import Trial, Tuned, TunedVariant
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import opened

PAPER = {"cross_fusion": "paper", "unet3d": "paper"}


def trial(rate: float, dice: float, state: str = "complete") -> Trial:
    settings = {
        "model.learning_rate": rate,
        "model.weight_decay": 0.01,
        "model.ce_weight": 1.0,
        "model.schedule.decay": "constant",
        "model.schedule.warmup": 0.0,
    }
    return Trial(settings, dice, 5, state)


TRIALS = (trial(1e-4, 0.5), trial(1e-3, 0.7), trial(1e-2, 0.0, "diverged"))
TUNED = Tuned(
    "test", "paper", 0, 0, 5, 130, "cohort-a", "splits-a", {}, {"unet3d": TunedVariant("unet3d", "i", 1, TRIALS)}
)


def evidence_with(folder: Path, about: About | None) -> Evidence:
    runs = write_runs(folder, cases_of(subjects=4))
    if about:
        write_about(runs, about)
    (evidence,) = gather([runs])
    return evidence


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (None, ""),
        (About("paper", PAPER), "All networks: as in the paper."),
        (About("demo", PAPER), "All networks: settings of the scale demo."),
        (About("paper", PAPER, own=tuple(PAPER)), "All networks: as in the paper, but for settings of the experiment."),
        (About("paper", {**PAPER, "unet3d": "modern"}), "cross_fusion: as in the paper. unet3d: recipe modern."),
        (About("paper", PAPER, tuned=TUNED), "cross_fusion: as in the paper. unet3d: tuned (3 trials)."),
    ],
)
def test_rows_say_how_they_were_trained(tmp_path: Path, about: About | None, said: str):
    names = {name: name for name in PAPER}
    assert provenance(evidence_with(tmp_path / "runs", about), names) == said


def test_the_table_says_it_below(tmp_path: Path):
    evidence = evidence_with(tmp_path / "runs", About("paper", PAPER, tuned=TUNED))
    note = next(main_sheets(evidence, compute(evidence))).note
    assert note.endswith("Cross fusion (Tang 2025): as in the paper. 3D U-Net (Çiçek 2016): tuned (3 trials).")


def test_a_sheet_shows_budget_choice_and_gain_and_nothing_where_nothing_was_tuned(tmp_path: Path):
    tuned = evidence_with(tmp_path / "runs", About("paper", PAPER, tuned=TUNED))
    (sheet,) = tuning_sheets(tuned, compute(tuned))
    told = {column.heading: column.texts[0] for column in sheet.columns}
    assert sheet.rows == ("unet3d",)
    assert told == {
        "trials": "3",
        "stopped early": "1",
        "epochs in all": "15",
        "Dice, own": "0.5000",
        "Dice, tuned": "0.7000",
        "learning rate": "1.0e-03",
        "weight decay": "1.0e-02",
        "CE weight": "1.00",
        "schedule": "constant",
    }
    assert "at most 130 steps" in sheet.note and "no subject that fold 0 tests was opened" in sheet.note
    plain = evidence_with(tmp_path / "plain", About("paper", PAPER))
    assert list(tuning_sheets(plain, compute(plain))) == []


def test_every_trial_is_drawn_and_the_chosen_one_ringed(tmp_path: Path):
    trials = trials_of(evidence_with(tmp_path / "runs", About("paper", PAPER, tuned=TUNED)))
    with house_style():
        figure = against_learning_rate(trials, looks({"unet3d": "unet3d"}, {"unet3d": "3D U-Net"}))
    (axes,) = figure.axes
    filled, hollow, ring, cross = (collection.get_offsets().tolist() for collection in axes.collections)
    assert filled == [[1e-4, 0.5], [1e-3, 0.7]] and hollow == [[1e-2, 0.0]]
    assert ring == [[1e-3, 0.7]] and cross == [[1e-4, 0.5]]
    assert axes.get_xscale() == "log"


def test_what_was_tuned_is_packed_and_told_byte_for_byte(tmp_path: Path):
    evidence_with(tmp_path / "runs", About("paper", PAPER, tuned=TUNED))
    pack([tmp_path / "runs"], tmp_path / "x.zip", Contents())
    with opened([tmp_path / "x.zip"]) as packed:
        for folders, name in (([tmp_path / "runs"], "folder"), (packed, "pack")):
            (evidence,) = gather(folders)
            write_tables(evidence, compute(evidence), divide(evidence, [], None), tmp_path / name)
    for file in ("tables/tuning.md", "tables/overall.tex", "numbers/tuning.csv"):
        assert (tmp_path / "folder" / file).read_bytes() == (tmp_path / "pack" / file).read_bytes()
