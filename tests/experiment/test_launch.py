import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import yaml
from builders.cohorts import COARSE, make_cohort, strangers
from builders.tiny_experiment import (
    ENVIRONMENT,
    begin,
    first_run,
    heed_ctrl_c,
    petmr,
    sketching_petmr,
    tiny,
    write_experiment,
)

from benchmark.experiment.definition import Experiment, Variant, expand
from benchmark.experiment.plan import Planned, plan, splits_of, training_jobs
from benchmark.experiment.status import find_runs
from benchmark.experiment.work import clear
from benchmark.experiment.workflow import RunOptions, bring, devices_of
from benchmark.launching.launch import launch
from benchmark.runs.folder import RunFolder
from benchmark.runs.lock import LockedError, locked
from datamodules.cohort.prepare import prepare
from datamodules.cohort.splits import certify
from datamodules.sources.find import find_subjects


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


def planned_of(experiment, cohort, output, *words, **options) -> Planned:
    return plan(experiment, cohort, splits_of(experiment, cohort), output, *words, **options)


def launched(experiment, cohort, output, launcher):
    planned = planned_of(experiment, cohort, output)
    return launch(training_jobs(planned, cohort, splits_of(experiment, cohort)), launcher)


class Recorder:
    """A launcher that marks runs done, or doesn't."""

    at_once = 1

    def __init__(self, fails=()):
        self.fails, self.ran = fails, []

    def __call__(self, folder):
        self.ran.append(folder.name)
        if folder.name not in self.fails:
            folder.cases.touch()
            folder.done.write_text("{}")

    def stop(self):
        pass


def test_what_is_done_is_skipped_and_failures_do_not_stop_the_rest(cohort, tmp_path):
    experiment = tiny({"a": "TinyNet", "b": "TinyNet"})
    failing = Recorder(fails=("a/fold-0-seed-0",))
    outcomes = launched(experiment, cohort, tmp_path, failing)
    assert [outcome.state for outcome in outcomes] == ["waiting", "done", "done", "done"]
    assert [bool(outcome.message) for outcome in outcomes] == [True, False, False, False]
    again = Recorder()
    outcomes = launched(experiment, cohort, tmp_path, again)
    assert again.ran == ["a/fold-0-seed-0"]
    assert [outcome.state for outcome in outcomes] == ["done", "skipped", "skipped", "skipped"]


class Slow(Recorder):
    """A launcher that takes long enough to be looked at."""

    def __call__(self, folder):
        folder.progress.write_text('{"epoch": 2, "epochs": 5, "loss": 0.5, "dice": 0.75, "seconds": 60, "left": 90}')
        time.sleep(2.2)
        super().__call__(folder)


def test_what_a_run_is_at_is_told_meanwhile(cohort, tmp_path, capsys):
    planned = planned_of(tiny(), cohort, tmp_path, "*/fold-0-*")
    bring("tiny", training_jobs(planned, cohort, splits_of(tiny(), cohort)), Slow())
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "tiny: tiny/fold-0-seed-0: epoch 2/5, loss 0.500, Dice 0.750, 0:01:30 left",
        "tiny 1/1: tiny/fold-0-seed-0 done",
    ]


def test_a_run_that_cannot_be_begun_fails_alone(cohort, tmp_path):
    experiment = tiny()
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/fold-0-seed-0").write_text("a file where a folder must be")
    outcomes = launched(experiment, cohort, tmp_path, Recorder())
    assert [outcome.state for outcome in outcomes] == ["failed", "done"]


def test_only_chooses_by_name_and_names_the_runs_where_nothing_matches(cohort, tmp_path):
    experiment = tiny({"a": "TinyNet", "b": "TinyNet"})
    chosen = planned_of(experiment, cohort, tmp_path, "b/*")
    assert [run.name for run, _ in chosen] == [
        "b/fold-0-seed-0",
        "b/fold-1-seed-0",
    ]
    with pytest.raises(ValueError, match="No run of 'tiny' matches 'c/\\*'; there are a/fold-0-seed-0"):
        planned_of(experiment, cohort, tmp_path, "c/*")


def test_processes_that_cannot_share_a_step_are_refused_before_anything_starts(cohort, tmp_path):
    planned_of(tiny(trainer={"devices": 2, "num_nodes": 2}, data={"batch_size": 8}), cohort, tmp_path)
    with pytest.raises(ValueError, match=r"^tiny/fold-0-seed-0: The 2 patches .* by 4 processes: train with 1 or 2 of"):
        planned_of(tiny(trainer={"devices": 2, "num_nodes": 2}), cohort, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_changed_configuration_is_refused_with_the_difference(cohort, tmp_path):
    begin(tmp_path, tiny(), cohort)
    changed = tiny(model={"learning_rate": 0.5}, trainer={"max_epochs": 9})
    with pytest.raises(ValueError, match=r"begun with something else") as refusal:
        planned_of(changed, cohort, tmp_path)
    assert "model.learning_rate: 0.03 then, 0.5 now" in str(refusal.value)
    assert "trainer.max_epochs: 3 then, 9 now" in str(refusal.value)
    assert "--restart" in str(refusal.value)


def test_two_commands_cannot_begin_two_configurations_in_one_folder(cohort, tmp_path):
    one, other = tiny(), tiny(model={"learning_rate": 0.5})
    planned = planned_of(other, cohort, tmp_path)  # before the first command begins
    folder = begin(tmp_path, one, cohort)
    before = folder.read_record()
    outcomes = launch(training_jobs(planned, cohort, splits_of(other, cohort)), Recorder())
    assert outcomes[0].state == "failed" and "model.learning_rate: 0.03 then, 0.5 now" in outcomes[0].message
    assert folder.read_record() == before


def test_a_starting_run_removes_no_file_that_another_command_is_writing(cohort, tmp_path):
    folder = begin(tmp_path, tiny(), cohort)
    half_written = folder.path / ".123.run.json"
    half_written.touch()
    start = threading.Thread(target=clear, args=(folder,))
    with locked(folder.beginning):
        start.start()
        start.join(0.5)
        assert half_written.exists()
    start.join()
    assert not half_written.exists()


def test_what_has_no_effect_on_results_may_change(cohort, tmp_path):
    begin(tmp_path, tiny(), cohort)
    assert planned_of(tiny(data={"workers": 2, "cache": "ram"}), cohort, tmp_path)


def test_a_changed_cohort_is_refused_with_both_fingerprints(cohort, tmp_path):
    begin(tmp_path / "runs", tiny(), cohort)
    other = make_cohort(tmp_path / "other", subjects=5)
    with pytest.raises(ValueError, match=f"cohort: {cohort.fingerprint} then, {other.fingerprint} now"):
        planned_of(tiny(), other, tmp_path / "runs")


def test_changed_folds_are_refused(tmp_path):
    cohort = make_cohort(tmp_path / "data", subjects=4)
    begin(tmp_path / "runs", tiny(), cohort)
    table = certify(cohort, 2, 0).table
    text = table.read_text()
    table.write_text(text.translate(str.maketrans({"0": "1", "1": "0"})).replace("fold-1,fold-0", "fold-0,fold-1"))
    assert table.read_text() != text
    with pytest.raises(ValueError, match="was edited"):
        planned_of(tiny(), cohort, tmp_path / "runs")


def test_restart_begins_anew_unless_a_process_is_at_work_there(cohort, tmp_path):
    folder = begin(tmp_path, tiny(), cohort)
    folder.cases.touch()
    folder.done.write_text("{}")
    with locked(folder.lock), pytest.raises(LockedError, match=f"process {os.getpid()} on"):
        planned_of(tiny(), cohort, tmp_path, restart=True)
    assert folder.is_done()
    planned_of(tiny(model={"learning_rate": 0.5}), cohort, tmp_path, restart=True)
    assert not folder.path.exists()


def test_runs_that_are_not_begun_wait_in_the_status(cohort, tmp_path):
    experiment = tiny({"a": "TinyNet", "b": "TinyNet"})
    (tmp_path / "grid.json").write_text(json.dumps([_record(run) for run in expand(experiment)]))
    begin(tmp_path, experiment, cohort)
    assert [folder.state() for folder in find_runs(tmp_path)] == ["waiting"] * 4


def _record(run):
    own = {"experiment": "x", "variant": run.variant, "network": run.network, "fold": run.fold, "seed": run.seed}
    return {**own, "identity": "", "cohort": "", "splits": ""}


@pytest.fixture(scope="module")
def matrix(cohort, tmp_path_factory):
    """An experiment with a network that breaks in training, one that can't be built, and one that does well."""
    folder = tmp_path_factory.mktemp("matrix")
    experiment = tiny({"bad": "BadNet", "nan": "NaNNet", "good": "TinyNet"})
    file = write_experiment(folder / "e.yaml", experiment)
    words = ("run", file, "--cohort", cohort.path, "--output", folder / "runs", "--jobs", 2, "--only", "*/fold-0-*")
    return folder / "runs", sketching_petmr(*words, "--wandb", "disabled")


def test_the_matrix_goes_on_after_failures_and_reports_them_last(matrix):
    runs, result = matrix
    assert result.returncode == 1
    assert RunFolder(runs / "good/fold-0-seed-0").state() == "done"
    assert RunFolder(runs / "bad/fold-0-seed-0").state() == "failed"
    told = result.stderr[result.stderr.index("petmr: ") :]
    assert told.startswith("petmr: 2 of 3 runs aren't done; the same command goes on.")
    assert "this network has no idea" in told


def test_a_loss_that_is_not_finite_names_subjects_and_step_and_keeps_the_best_checkpoint(matrix):
    runs, result = matrix
    folder = RunFolder(runs / "nan/fold-0-seed-0")
    assert folder.state() == "failed"
    assert "The loss is nan at step 2 on patches of s" in result.stderr
    assert (folder.checkpoints / "best.ckpt").is_file()


def test_the_report_of_an_unfinished_experiment_says_so_and_the_status_lists_all_runs(matrix):
    runs, result = matrix
    assert "Incomplete: 5 of 6 runs are not counted" in result.stdout
    status = petmr("status", runs).stdout
    assert "1 done, 2 failed, 3 waiting." in status
    assert status.count("fold-1-seed-0") == 3


@pytest.mark.slow
def test_a_report_that_fails_hides_no_failure(matrix, tmp_path, cohort):
    runs, _ = matrix
    shutil.copytree(runs, tmp_path / "runs")
    cases = tmp_path / "runs/good/fold-0-seed-0/cases.csv"
    cases.write_text(cases.read_text().replace("good", "other"))
    words = ("run", runs.parent / "e.yaml", "--cohort", cohort.path, "--only", "*/fold-0-*", "--wandb", "disabled")
    told = petmr(*words, "--output", tmp_path / "runs").stderr
    assert "this network has no idea" in told and "The loss is nan" in told
    assert "There is no report: " in told


@pytest.mark.slow
def test_scores_that_are_gone_are_made_again(matrix, tmp_path, cohort):
    runs, _ = matrix
    shutil.copytree(runs, tmp_path / "runs")
    folder = RunFolder(tmp_path / "runs/good/fold-0-seed-0")
    scores = folder.cases.read_text()
    folder.cases.unlink()
    assert folder.state() != "done"
    words = ("run", runs.parent / "e.yaml", "--cohort", cohort.path, "--only", "good/fold-0-*", "--wandb", "disabled")
    assert petmr(*words, "--output", tmp_path / "runs").returncode == 0
    assert folder.cases.read_text() == scores


def test_numbers_of_gpus_or_jobs_that_cannot_be_are_refused(cohort, tmp_path):
    variants = {name: Variant("builders.tiny_experiment.TinyNet", config=config) for name, config in DEVICES.items()}
    with pytest.raises(ValueError, match=r"different trainer\.devices \(1, 4\)"):
        devices_of(Experiment("x", variants))
    with pytest.raises(ValueError, match="got --jobs 0"):
        RunOptions(jobs=0)


DEVICES = {"small": {"trainer": {"devices": 1}}, "big": {"trainer": {"devices": 4}}}


def test_an_experiment_that_names_its_cohort_and_conditions_needs_nothing_else(cohort, tmp_path):
    other = prepare(find_subjects(strangers(tmp_path / "source")), tmp_path / "other", COARSE).path
    file = write_experiment(tmp_path / "e.yaml", tiny(trainer={"max_epochs": 1}))
    conditions = {"noise": ["high"], "missing": ["pet"], "cohorts": {"clinic": str(other)}}
    file.write_text(file.read_text() + yaml.safe_dump({"cohort": str(cohort.path), "conditions": conditions}))
    assert sketching_petmr("run", file, "--wandb", "disabled", cwd=tmp_path).returncode == 0
    tables = {path.stem for path in (tmp_path / "runs/tiny/report/tiny/tables").glob("*.md")}
    assert {"noise", "missing_pet", "external_clinic"} <= tables


def test_without_any_cohort_the_option_is_named(tmp_path):
    file = write_experiment(tmp_path / "e.yaml", tiny())
    assert petmr("run", file).stderr == "petmr: 'tiny' names no cohort: give one with --cohort.\n"


def test_ctrl_c_ends_all_processes_and_leaves_states_that_are_true(cohort, tmp_path):
    file = write_experiment(tmp_path / "e.yaml", tiny(trainer={"max_epochs": 4000}))
    runs = tmp_path / "runs"
    words = ["run", str(file), "--cohort", str(cohort.path), "--output", str(runs), "--jobs", "1"]
    command = [sys.executable, "-m", "benchmark", *words]
    with subprocess.Popen(command, env=ENVIRONMENT, preexec_fn=heed_ctrl_c) as process:
        begun = RunFolder(runs / first_run(tiny()).name)
        deadline = time.monotonic() + 60
        while not (begun.checkpoints / "last.ckpt").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert [folder.state() for folder in find_runs(runs)] == ["preempted", "waiting"]
