import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, first_run, petmr, tiny, write_experiment

from benchmark.experiment.workflow import RunOptions
from benchmark.forecast.dry_run import _together, show_plan
from benchmark.forecast.pace import build_alone
from benchmark.forecast.remedies import memory_of


@pytest.fixture
def cohort(tmp_path):
    return make_cohort(tmp_path / "data", subjects=4)


def files(*folders: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def planned(experiment, cohort, tmp_path, gpu_memory=None, **options):
    file = write_experiment(tmp_path / "e.yaml", experiment)
    show_plan(file, cohort.path, tmp_path / "runs", RunOptions(**options), gpu_memory)


def test_a_dry_run_tells_time_and_memory_of_each_network_and_writes_nothing(cohort, tmp_path, capsys):
    before = files(cohort.path)
    planned(tiny({"a": "TinyNet", "b": "TinyNet"}, trainer={"max_epochs": 10_000_000}), cohort, tmp_path, jobs=2)
    told = capsys.readouterr()
    assert "tiny: 4 runs" in told.out
    rows = [line.split("│")[1:-1] for line in told.out.splitlines() if line.startswith("│")]
    assert [row[0].strip() for row in rows] == ["a", "b"]
    assert {row[1].strip() for row in rows} == {"2 waiting"}
    assert all(re.fullmatch(r"\d+\.\d GiB", row[3].strip()) for row in rows)
    assert "build and time each network 2/2" in told.err
    hours = int(re.search(r"The rest takes (\d+):\d\d:\d\d, 2 at a time", told.out)[1])
    assert hours >= 1
    assert files(cohort.path) == before
    assert not (tmp_path / "runs").exists()


def test_networks_that_cannot_be_built_or_crash_are_named_and_the_others_told(cohort, tmp_path, capsys):
    with pytest.raises(ValueError) as refusal:
        planned(tiny({"bad": "BadNet", "crash": "CrashNet", "good": "TinyNet"}), cohort, tmp_path)
    assert str(refusal.value).splitlines() == [
        "bad: can't be trained here (this network has no idea).",
        "crash: can't be trained here (Its process ended with signal SIGSEGV.).",
    ]
    assert "good" in capsys.readouterr().out


def test_memory_is_that_of_the_precision_that_is_asked_for_whatever_this_processor_computes_in(
    cohort, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")

    def needed(precision: str) -> int:
        chosen = tiny(trainer={"precision": precision})
        return memory_of(build_alone(first_run(chosen), cohort)).needed

    assert needed("bf16-mixed") < needed("32-true")


def test_a_network_that_does_not_fit_is_told_with_what_makes_it_fit(cohort, tmp_path, capsys):
    experiment = tiny(data={"patch_size": [96, 96, 96], "batch_size": 4})
    planned(replace(experiment, folds=2), cohort, tmp_path, gpu_memory=1.6)
    told = capsys.readouterr().out
    assert "│ no" in told or "no │" in told
    assert re.search(r"tiny doesn't fit: with .*data\.batch_size: 1.* it takes 0\.\d GiB\.", told), told
    planned(experiment, cohort, tmp_path, gpu_memory=24.0)
    assert "yes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("conditions", "match"),
    [
        ({"noise": ["lwo"]}, "lwo"),
        ({"missing": ["flair"]}, "Modality flair can't be missing: the cohort has pet, mr"),
        ({"cohorts": {"clinic": "nowhere"}}, "nowhere"),
    ],
)
@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["dry run", "run"])
def test_a_condition_that_cannot_be_is_refused_in_a_dry_run_as_in_a_run(cohort, tmp_path, conditions, match, dry):
    file = write_experiment(tmp_path / "e.yaml", tiny())
    file.write_text(file.read_text() + yaml.safe_dump({"conditions": conditions}))
    result = petmr("run", file, "--cohort", cohort.path, "--output", tmp_path / "runs", *dry)
    assert result.returncode == 1
    assert result.stderr.startswith("petmr: ") and match in result.stderr
    assert not (tmp_path / "runs").exists()


def test_an_external_cohort_is_left_as_it_is_by_a_dry_run(cohort, tmp_path):
    other = make_cohort(tmp_path / "other", subjects=3).path
    file = write_experiment(tmp_path / "e.yaml", tiny())
    file.write_text(file.read_text() + yaml.safe_dump({"conditions": {"cohorts": {"clinic": str(other)}}}))
    before = files(cohort.path, other)
    show_plan(file, cohort.path, tmp_path / "runs", RunOptions())
    assert files(cohort.path, other) == before


def test_a_dry_run_of_a_restart_is_no_refusal(cohort, tmp_path):
    begin(tmp_path / "runs", tiny(model={"learning_rate": 0.5}), cohort)
    with pytest.raises(ValueError, match="was begun with something else"):
        planned(tiny(), cohort, tmp_path)
    planned(tiny(), cohort, tmp_path, restart=True)


def test_another_scale_is_another_experiment(cohort, tmp_path, capsys):
    planned(replace(tiny({"a": "TinyNet"}), scale="paper"), cohort, tmp_path, scale="demo")
    assert "tiny-demo: 2 runs" in capsys.readouterr().out


def test_runs_are_begun_as_soon_as_there_is_room():
    assert _together([3, 3, 3], 1) == 9
    assert _together([4, 1, 1, 1], 2) == 4
    assert _together([], 2) == 0
