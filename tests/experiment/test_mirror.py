import json
import time

import pytest
import wandb
from builders.cohorts import make_cohort
from builders.offline_wandb import BLOCK, read_runs
from builders.tiny_experiment import ENVIRONMENT, begin, petmr, start, tiny, write_experiment

import benchmark.experiment.mirror
from benchmark.runs.folder import RunFolder
from benchmark.training.tracking import loggers

EPOCHS, STEPS = 40, 80

LOGGED = {
    "train/loss",
    "train/dice_loss",
    "train/ce_loss",
    "val/dice",
    "val/dice/Cortex",
    "lr-AdamW",
    "train/patches_per_second",
    "val/slices",
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


@pytest.fixture(scope="module")
def experiment(cohort, tmp_path_factory):
    """Killed in training once, then run to its end."""
    folder = tmp_path_factory.mktemp("mirror")
    grid = tiny(trainer={"max_epochs": EPOCHS, "log_every_n_steps": 1})
    begun = begin(folder / "runs", grid, cohort, wandb="offline")
    process = start(begun)
    while not any(path.stat().st_size > BLOCK for path in begun.path.glob("wandb/*/*.wandb")):  # the rest is lost
        assert process.poll() is None, begun.log.read_text()
        time.sleep(0.01)
    process.kill()
    process.wait()
    file = write_experiment(folder / "e.yaml", grid)
    result = petmr("run", file, "--cohort", cohort.path, "--output", folder / "runs", "--only", "*/fold-0-*")
    assert result.returncode == 0, result.stderr
    return folder / "runs", begun


def test_a_run_keeps_its_id_over_a_resume_and_says_what_it_is(experiment):
    _, folder = experiment
    first, second = read_runs(folder.path)
    assert first.id == second.id != ""
    assert (second.group, second.job_type, second.name) == ("tiny", "tiny", "tiny/fold-0-seed-0")
    assert second.config["data"]["fold"] == 0


def test_losses_dice_of_structures_learning_rate_throughput_and_slices_are_logged(experiment):
    _, folder = experiment
    last = read_runs(folder.path)[-1]
    assert last.logged >= LOGGED
    assert max(row["trainer/global_step"] for row in last.history) == STEPS - 1
    panels = [row["val/slices"] for row in last.history if "val/slices" in row]
    pictures = [folder.path.glob(f"wandb/*/files/{name}") for panel in panels for name in panel["filenames"]]
    assert pictures
    steps = [row["trainer/global_step"] for row in last.history if "val/slices" in row]
    assert steps == sorted(set(steps)) and steps[-1] >= STEPS - 1
    assert all(any(picture) for picture in pictures)


def test_the_summary_run_has_verdict_tables_figures_all_cases_and_the_page(experiment):
    runs, _ = experiment
    (summary,) = read_runs(runs)
    assert (summary.group, summary.job_type) == ("tiny", "summary")
    assert {"tables/overall", "tables/structures", "figures/boxes"} <= summary.logged
    assert {"tiny-cases", "tiny-report"} <= set(summary.artifacts)
    told = json.loads((runs / "report/tiny/verdict.json").read_text())
    assert summary.summary["verdict/headline"] == told["headline"] != ""


@pytest.mark.parametrize("trouble", ["no key", pytest.param("no server", marks=pytest.mark.slow)])
def test_training_goes_on_offline_without_key_or_server(cohort, tmp_path, monkeypatch, trouble):
    folder = begin(tmp_path, tiny(), cohort, wandb="online")
    environment = {"HOME": str(tmp_path)}
    if trouble == "no server":
        environment |= {"WANDB_API_KEY": "0" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9"}
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for name, value in environment.items():
        monkeypatch.setitem(ENVIRONMENT, name, value)
    assert start(folder).wait(200) == 0, folder.log.read_text()
    assert folder.state() == "done"
    assert "recorded offline" in folder.log.read_text()
    assert read_runs(folder.path)[-1].logged >= {"val/dice"}


def test_a_recording_that_cannot_even_begin_stops_nothing(tmp_path, monkeypatch):
    asked = []

    def refuse(mode, **settings):
        asked.append(mode)
        if mode != "disabled":
            raise wandb.Error("no")
        return "nothing"

    monkeypatch.setattr(wandb, "init", refuse)
    assert benchmark.experiment.mirror.start(tmp_path, mode="online", id="x") == "nothing"
    assert asked == ["online", "offline", "disabled"]


def test_disabled_leaves_the_csv_alone(tmp_path):
    settings = {"experiment": "e", "job_type": "t", "name": "n", "run_id": "i"}
    assert [one["class_path"] for one in loggers(tmp_path, mode="disabled", **settings)] == [
        "lightning.pytorch.loggers.CSVLogger"
    ]
    assert RunFolder(tmp_path).state() == "waiting"
    assert json.dumps(loggers(tmp_path, mode="offline", **settings))
