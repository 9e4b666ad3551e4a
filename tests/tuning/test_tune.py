import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from builders.cohorts import make_cohort
from builders.tiny_experiment import ENVIRONMENT, petmr, tiny, write_experiment

from benchmark.__main__ import main
from benchmark.experiment.definition import Experiment, expand, load_experiment
from benchmark.experiment.workflow import RunOptions, run_experiment
from benchmark.runs.about import read_about
from benchmark.runs.settings import flatten
from benchmark.runs.tuned import Tuned, read_tuned
from benchmark.tuning.guard import ForbiddenSubjectError, guarded
from benchmark.tuning.study import Course
from benchmark.tuning.training import train
from benchmark.tuning.tune import TuneOptions, chosen, tune
from datamodules.cohort.splits import load_splits
from datamodules.cohort.store import Cohort
from datamodules.petmr import PETMRDataModule

EXPERIMENT = tiny({"a": "TinyNet", "b": "TinyNet"}, trainer={"max_epochs": 2})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=5)


@pytest.fixture(scope="module")
def found(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tuned, Path]:
    output = tmp_path_factory.mktemp("tuning")
    return tune(EXPERIMENT, cohort, output, TuneOptions(trials=3), train), output / "tuned.yaml"


def fake(run, cohort, settings, epochs, watch) -> Course:
    return Course(settings["model.learning_rate"], epochs, "complete")


def test_every_network_gets_the_same_trials_and_steps(found):
    tuned, _ = found
    assert {name: len(one.trials) for name, one in tuned.variants.items()} == {"a": 3, "b": 3}
    assert (tuned.epochs, tuned.steps, tuned.fold) == (2, 4, 0)
    assert all(trial.epochs == 2 for one in tuned.variants.values() for trial in one.trials)
    assert tuned.variants["a"].trials[0].settings["model.learning_rate"] == 0.03
    assert all(0 < trial.dice < 1 for one in tuned.variants.values() for trial in one.trials)


def test_what_was_found_is_read_back_as_it_was(found):
    tuned, path = found
    assert read_tuned(path) == tuned
    assert path.read_text().startswith("# Written by `petmr tune`")


def test_tuning_opens_no_subject_that_its_fold_tests_and_every_other_one(cohort, tmp_path, monkeypatch):
    opened = set()
    original = Cohort._open
    monkeypatch.setattr(
        Cohort, "_open", lambda self, subject, kind: opened.add(subject) or original(self, subject, kind)
    )
    tune(EXPERIMENT, cohort, tmp_path, TuneOptions(trials=1, only="a"), train)
    fold = load_splits(cohort, 2, 0).folds[0]
    assert opened and not opened & set(fold.test)
    assert opened == {*fold.train, *fold.validation}


def test_a_training_that_looks_at_a_test_subject_is_stopped(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(PETMRDataModule, "val_dataloader", PETMRDataModule.test_dataloader)
    with pytest.raises(ForbiddenSubjectError, match="is tested in this fold, so nothing of it may be opened"):
        tune(EXPERIMENT, cohort, tmp_path, TuneOptions(trials=1), train)


def test_a_guarded_cohort_is_the_same_but_for_what_is_closed(cohort):
    closed = guarded(cohort, ["s1"])
    assert closed.fingerprint == cohort.fingerprint
    assert closed.label("s0").shape == cohort.label("s0").shape
    for look in (closed.label, closed.images, closed.truth):
        with pytest.raises(ForbiddenSubjectError):
            look("s1")


@pytest.mark.parametrize(("stop_after", "epochs", "state"), [(1, 1, "pruned"), (2, 2, "pruned"), (3, 3, "complete")])
def test_a_trial_that_is_told_to_stop_stops_and_one_that_has_ended_was_not_stopped(cohort, stop_after, epochs, state):
    (run, *_) = chosen(tiny({"a": "TinyNet"}), TuneOptions(1))
    course = train(run, cohort, {}, 3, lambda epoch, dice: epoch + 1 == stop_after)
    assert (course.epochs, course.state) == (epochs, state)


def test_a_rate_that_is_too_high_is_a_bad_result_and_no_failure(cohort, tmp_path):
    tuned = tune(tiny({"nan": "NaNNet"}), cohort, tmp_path, TuneOptions(trials=1, epochs=3), train)
    (trial,) = tuned.variants["nan"].trials
    assert (trial.state, trial.dice) == ("diverged", 0.0)


def test_a_run_takes_what_was_found_over_everything_else(found):
    tuned, path = found
    for run in expand(replace(EXPERIMENT, tuned=str(path))):
        flat = flatten(run.config)
        assert {name: flat[name] for name in tuned.variants[run.variant].best.settings} == tuned.variants[
            run.variant
        ].best.settings


def test_an_experiment_names_the_file_beside_it(found, tmp_path):
    _, path = found
    file = write_experiment(tmp_path / "e.yaml", EXPERIMENT)
    (tmp_path / "tuned.yaml").write_bytes(path.read_bytes())
    file.write_text(file.read_text() + "tuned: tuned.yaml\n")
    assert load_experiment(file).tuned == str(tmp_path / "tuned.yaml")


def test_settings_of_other_rows_or_networks_are_refused(found):
    _, path = found
    alone = {"a": EXPERIMENT.variants["a"]}
    with pytest.raises(ValueError, match=r"holds settings of b \(builders.tiny_experiment.TinyNet\)"):
        expand(replace(EXPERIMENT, variants=alone, tuned=str(path)))


@pytest.mark.parametrize("text", ["", "a: [", "variants: 3", "{experiment: x}"])
def test_a_file_that_is_not_what_tuning_writes_is_named(tmp_path, text):
    (tmp_path / "tuned.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"tuned.yaml: isn't what `petmr tune` writes"):
        read_tuned(tmp_path / "tuned.yaml")
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        read_tuned(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("experiment", "options", "match"),
    [
        (EXPERIMENT, TuneOptions(1, fold=2), "no fold 2: those of 'tiny' are 0 to 1"),
        (EXPERIMENT, TuneOptions(1, only="c"), "No row of 'tiny' matches 'c'; there are a, b"),
        (EXPERIMENT, TuneOptions(0), "at least one trial"),
    ],
)
def test_what_cannot_be_tuned_is_refused(cohort, tmp_path, experiment, options, match):
    with pytest.raises(ValueError, match=match):
        tune(experiment, cohort, tmp_path, options, fake)


def test_rows_of_different_lengths_are_no_equal_budget(cohort, tmp_path):
    longer = replace(EXPERIMENT.variants["b"], config={"data": {"epoch_length": 8}})
    with pytest.raises(ValueError, match=r"epochs of different numbers of steps: 2 \(a\), 4 \(b\)"):
        tune(with_b(longer), cohort, tmp_path, TuneOptions(1), fake)
    longer = replace(EXPERIMENT.variants["b"], config={"trainer": {"max_epochs": 9}})
    with pytest.raises(ValueError, match=r"different or unknown numbers of epochs \(2, 9\): say --epochs"):
        tune(with_b(longer), cohort, tmp_path, TuneOptions(1), fake)


def with_b(variant) -> Experiment:
    return replace(EXPERIMENT, variants={**EXPERIMENT.variants, "b": variant})


def test_a_journal_of_another_configuration_is_not_gone_on_with(cohort, tmp_path):
    tune(EXPERIMENT, cohort, tmp_path, TuneOptions(1), fake)
    with pytest.raises(ValueError, match=r"a\.journal: was begun with something else \(epochs: 2 then, 5 now\)"):
        tune(EXPERIMENT, cohort, tmp_path, TuneOptions(1, epochs=5), fake)
    changed = tiny({"a": "TinyNet", "b": "TinyNet"}, trainer={"max_epochs": 2}, data={"batch_size": 1})
    with pytest.raises(ValueError, match="identity: "):
        tune(changed, cohort, tmp_path, TuneOptions(1), fake)


def test_the_verb_says_what_comes_next(cohort, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmark.tuning.training.train", fake)
    file = write_experiment(tmp_path / "my one.yaml", EXPERIMENT)
    words = ["tune", str(file), "--cohort", str(cohort.path), "--trials", "1", "--scale", "laptop"]
    main([*words, "--output", str(tmp_path / "out 1")])
    command = f"petmr run '{file}' --scale laptop --cohort {cohort.path} --tuned '{tmp_path}/out 1/tuned.yaml'"
    assert f"Next: {command}" in capsys.readouterr().out


@pytest.mark.slow
def test_kill_9_costs_no_trial_and_changes_none(found, cohort, tmp_path):
    tuned, _ = found
    file = write_experiment(tmp_path / "e.yaml", EXPERIMENT)
    words = ["tune", str(file), "--cohort", str(cohort.path), "--trials", "3", "--output", str(tmp_path / "out")]
    command = [sys.executable, "-m", "benchmark", *words]
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "tune 2/6" in line:
            time.sleep(0.05)  # into the third
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    assert not (tmp_path / "out/tuned.yaml").exists(), "".join(seen)
    again = petmr(*words)
    assert again.returncode == 0, again.stderr
    assert read_tuned(tmp_path / "out/tuned.yaml").variants == tuned.variants
    assert "3 trials each, 4 steps at most, fold 0" in again.stdout
    assert f"--tuned {tmp_path}/out/tuned.yaml" in again.stdout.replace("\n", "")


def test_a_run_of_what_was_tuned_says_so_beside_its_grid(found, cohort, tmp_path, monkeypatch):
    tuned, path = found
    planned = []
    monkeypatch.setattr("benchmark.experiment.workflow.launch", lambda runs, *_, **__: planned.extend(runs) or [])
    file = write_experiment(tmp_path / "e.yaml", EXPERIMENT)
    run_experiment(file, cohort.path, tmp_path / "runs", RunOptions(tuned=path, wandb="disabled"))
    best = tuned.variants["a"].best.settings["model.learning_rate"]
    assert planned[0].begin.args[0].config["model"]["learning_rate"] == best
    (about,) = read_about([tmp_path / "runs"])
    assert about.tuned == tuned and about.recipes == {"a": "paper", "b": "paper"} and about.scale == "demo"
