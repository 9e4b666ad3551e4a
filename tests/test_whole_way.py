"""From any cohort to its tables: whatever subjects are called, however their images lie, every identity holds."""

import csv
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from builders.cohorts import brain, save
from builders.tiny_experiment import tiny
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmark.experiment.definition import expand
from benchmark.experiment.plan import splits_of
from benchmark.experiment.run import execute
from benchmark.report.numbers import compute
from benchmark.report.sheets.covariates import divide
from benchmark.report.write import write_tables
from benchmark.runs.evidence import gather
from benchmark.runs.folder import RunFolder
from benchmark.scoring.audit import audit_cases
from benchmark.scoring.case_table import read_cases
from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.cohort.store import Cohort
from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import can_name_files

ODD = ("001", "01", "1", "NA", "null", "nan", "None", "TRUE", "1e5", "-1", "1=1", "ä ö", "sub-1,2", '"q"')
NAMES = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12).filter(can_name_files),
)
QUICK, LONG = 2, 40
"""Cohorts in the usual suite, and in one that takes its time."""

SETTINGS = PrepareSettings.parse(protocol="coarse9", scaling="p0.5:p99.5", spacing="1")
"""Percentiles, as the units of PET differ."""

PHASES = (Phase.explicit, Phase.generate)
"""Each cohort takes seconds: none is made again to find a smaller one that fails."""

ALL_CHECKS = list(HealthCheck)
"""Of hypothesis, which expects examples of milliseconds."""


@dataclass(frozen=True)
class Person:
    """A subject of a random cohort: its name and group, voxel sides in mm, and what is special about it."""

    name: str
    group: str
    sides: tuple[float, float, float]
    unit: str
    without_thalamus: bool


def folded(name: str) -> str:
    """What a file system may take for the same name."""
    return unicodedata.normalize("NFKC", name).casefold()


people = st.lists(
    st.builds(
        Person,
        NAMES,
        st.sampled_from(["a", "b", "001", "NA"]),
        st.tuples(*[st.sampled_from([0.9, 1.0, 1.3])] * 3),
        st.sampled_from(["Bq/mL", "kBq/mL"]),
        st.booleans(),
    ),
    min_size=5,
    max_size=6,
    unique_by=lambda person: folded(person.name),
).filter(lambda some: len({person.group for person in some}) > 3)


def prepared(folder: Path, some: list[Person]) -> Cohort:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["subject", "pet", "mr", "label", "group"])
        for index, person in enumerate(some):
            paths = [
                save(folder / f"{index}/{kind}.nii.gz", volume, grid(person)) for kind, volume in scans(index, person)
            ]
            paths[0].with_name("pet.json").write_text(json.dumps({"Units": person.unit}))
            rows.writerow([person.name, *paths, person.group])
    return prepare(find_subjects(folder / "manifest.csv"), folder / "cohort", SETTINGS)


def grid(person: Person) -> np.ndarray:
    return np.diag([*person.sides, 1.0])


def scans(index: int, person: Person) -> Iterator[tuple[str, np.ndarray]]:
    pet, mr, label = brain(index)
    yield "pet", pet / 1000 if person.unit == "kBq/mL" else pet
    yield "mr", mr
    yield "label", np.where(label == 10, 2, label).astype(np.int16) if person.without_thalamus else label


def whole_way(folder: Path, some: list[Person]) -> None:
    """Prepare, train an epoch, test, score, report."""
    cohort, experiment = prepared(folder, some), tiny(trainer={"max_epochs": 1})
    splits = splits_of(experiment, cohort)
    for run in expand(experiment):
        place = RunFolder(folder / "runs" / run.name)
        place.begin(run, cohort, splits, "disabled")
        execute(place)
        audit_cases(read_cases([place.cases]))
    (evidence,) = gather([folder / "runs"])
    assert set(evidence.cases["subject"]) == {person.name for person in some}
    assert set(evidence.cases["group"]) == {person.group for person in some}
    write_tables(evidence, compute(evidence), divide(evidence, [], None), folder / "report")
    assert (folder / "report/tables/overall.tex").is_file()


@pytest.mark.parametrize(
    "examples", [QUICK, pytest.param(LONG, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])], ids=["quick", "long"]
)
def test_any_cohort_comes_to_tables_in_which_every_identity_holds(tmp_path_factory, examples):
    @settings(max_examples=examples, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=ALL_CHECKS)
    @given(people)
    def check(some: list[Person]) -> None:
        whole_way(tmp_path_factory.mktemp("way"), some)

    check()
