"""Memory and open files don't grow with epochs, runs or reports."""

from dataclasses import replace
from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.health import Health, growth, read_health
from builders.runs import write_runs
from builders.tiny_experiment import begin, tiny

from benchmark.experiment.plan import plan, splits_of, training_jobs
from benchmark.launching.launch import launch
from benchmark.launching.local import LocalLauncher
from benchmark.report.write import report
from datamodules.cohort.store import Cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


def health_over_runs(cohort: Cohort, folder: Path, seeds: int) -> list[Health]:
    """Of the process that starts two runs of each seed, after each."""
    experiment = replace(tiny(trainer={"max_epochs": 1}), seeds=tuple(range(seeds)))
    splits, samples = splits_of(experiment, cohort), []
    jobs = training_jobs(plan(experiment, cohort, splits, folder), cohort, splits, "disabled")
    outcomes = launch(jobs, LocalLauncher([None, None]), lambda outcome: samples.append(Health.now()))
    assert {outcome.state for outcome in outcomes} == {"done"}
    return samples


def test_a_finished_run_leaves_no_open_file(cohort: Cohort, tmp_path: Path):
    samples = health_over_runs(cohort, tmp_path, seeds=2)
    assert samples[-1].handles <= samples[0].handles


def assert_flat(samples: list[Health], count: int, mib: float) -> None:
    more = growth(samples)
    print(len(samples), samples[count // 10], samples[-1], more)  # noqa: T201  figures to report
    assert len(samples) == count
    assert more.handles <= 0
    assert more.mib < mib


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_hundred_runs_of_one_command(cohort: Cohort, tmp_path: Path):
    assert_flat(health_over_runs(cohort, tmp_path, seeds=250), 500, mib=10)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hundred_epochs_of_one_run(cohort: Cohort, tmp_path: Path):
    diary = {"class_path": "builders.health.HealthDiary", "init_args": {"path": str(tmp_path / "health")}}
    folder = begin(tmp_path / "runs", tiny(trainer={"max_epochs": 200, "callbacks": [diary]}), cohort)
    LocalLauncher([None])(folder)
    assert_flat(read_health(tmp_path / "health"), 200, mib=10)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_report_that_is_written_again_and_again(tmp_path: Path):
    runs, samples = write_runs(tmp_path / "runs", cases_of(6)), []
    for _ in range(12):
        report([runs], tmp_path / "report")
        samples.append(Health.now())
    assert_flat(samples, 12, mib=20)
