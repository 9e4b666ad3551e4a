import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from builders.cohorts import LIA, brain, make_cohort, save

from benchmark.experiment.definition import load_experiment
from benchmark.experiment.plan import plan, splits_of, training_jobs
from datamodules.checks.together import Summary, check_together
from datamodules.cohort.splits import certify, load_splits
from datamodules.cohort.store import open_cohort
from datamodules.files import write_json
from datamodules.findings import errors
from datamodules.sources.find import find_subjects
from datamodules.sources.subjects import Selection, Subject

SUBJECT = Subject("s", {"pet": Path("pet.nii")}, Path("label.nii"), "g")
PEAK_MIB = 700
"""Of one process that prepares one subject of 256^3, Python and libraries included; resampling or not."""


def test_a_thousand_subjects_open_in_under_two_seconds(tmp_path):
    cohort = make_cohort(tmp_path, subjects=1)
    index = cohort.path / "cohort.json"
    entry = json.loads(index.read_text())
    (subject,) = entry["subjects"]
    entry["subjects"] = [{**subject, "id": f"s{number}", "group": f"g{number}"} for number in range(1000)]
    index.write_text(json.dumps(entry))
    for number in range(1, 1000):
        for kind in subject["volumes"]:
            os.link(cohort.path / f"volumes/s0_{kind}.npy", cohort.path / f"volumes/s{number}_{kind}.npy")
    started = time.process_time()
    opened = open_cohort(cohort.path)
    load_splits(opened, 5, 0)
    assert time.process_time() - started < 2
    assert len(opened.subjects) == 1000


def tiny_manifest(root, count):
    """One file for all: what is listed is counted, not read."""
    image = save(root / "image.nii", np.zeros((4, 4, 4), np.float32)).name
    rows = [f"s{number},{image},{image},{image},g{number},70" for number in range(count)]
    (root / "manifest.csv").write_text("\n".join(["subject,pet,mr,label,group,weight", *rows]) + "\n")
    return root / "manifest.csv", Selection()


def tiny_freesurfer(root, count):
    image = save(root / "image.nii", np.zeros((4, 4, 4), np.float32))
    (root / "pet").mkdir()
    for number in range(count):
        folder = root / f"subjects/s{number}/mri"
        folder.mkdir(parents=True)
        for place in (folder / "orig.mgz", folder / "aseg.mgz", root / f"pet/s{number}_pet.nii"):
            os.link(image, place)
    return root / "subjects", Selection(pet=root / "pet")


def tiny_bids(root, count):
    """Label maps come from FreeSurfer's folders among the derivatives."""
    image = save(root / "image.nii", np.zeros((4, 4, 4), np.float32))
    for number in range(count):
        name = f"sub-{number}"
        for place in (
            f"{name}/pet/{name}_pet.nii",
            f"{name}/anat/{name}_T1w.nii",
            f"derivatives/fs/{name}/mri/aseg.mgz",
        ):
            (root / "bids" / place).parent.mkdir(parents=True, exist_ok=True)
            os.link(image, root / "bids" / place)
    return root / "bids", Selection()


MANY, MOST_S, MOST_GIB = 10_000, 60, 4


def grows_linearly(work):
    """CPU-seconds of a thousand and of ten thousand; memory is of this process so far."""
    small, large = (timed(partial(work, count)) for count in (MANY // 10, MANY))
    print(f"{small:.2f} s of {MANY // 10}, {large:.2f} s of {MANY}, {peak_gib():.2f} GiB")  # noqa: T201  figures to report
    assert large < MOST_S
    assert large < 20 * max(small, 0.2)
    assert peak_gib() < MOST_GIB


def timed(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def peak_gib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@pytest.mark.slow
@pytest.mark.parametrize("write", [tiny_manifest, tiny_freesurfer, tiny_bids])
def test_ten_thousand_subjects_are_listed_in_linear_time(tmp_path, write):
    sources = {}
    for count in (MANY // 10, MANY):
        (tmp_path / str(count)).mkdir()
        sources[count] = write(tmp_path / str(count), count)

    def work(count):
        source, selection = sources[count]
        assert len(find_subjects(source, selection=selection)) == count

    grows_linearly(work)


def many(cohort, count):
    """A cohort of one subject, told and linked many times, in groups of two."""
    index = cohort.path / "cohort.json"
    entry = json.loads(index.read_text())
    (subject,) = entry["subjects"]
    entry["subjects"] = [{**subject, "id": f"s{number}", "group": f"g{number // 2}"} for number in range(count)]
    write_json(index, entry)
    for number in range(1, count):
        for kind in subject["volumes"]:
            os.link(cohort.path / f"volumes/s0_{kind}.npy", cohort.path / f"volumes/s{number}_{kind}.npy")
    return cohort.path


@pytest.mark.slow
def test_ten_thousand_subjects_are_indexed_opened_and_split_in_linear_time(tmp_path):
    cohorts = {count: make_cohort(tmp_path / str(count), subjects=1, side=16) for count in (MANY // 10, MANY)}

    def index(count):
        many(cohorts[count], count)

    def open_and_check(count):
        opened = open_cohort(cohorts[count].path)
        assert opened.fingerprint
        subjects = [replace(SUBJECT, id=name, group=known.group) for name, known in opened.subjects.items()]
        summaries = [
            Summary(subject, {"pet": subject.id}, known.stored, known.voxels)
            for subject, known in zip(subjects, opened.subjects.values(), strict=True)
        ]
        assert not errors(check_together(summaries, opened.protocol))

    def split(count):
        opened = open_cohort(cohorts[count].path)
        certify(opened, 5, 0)
        assert len(load_splits(opened, 5, 0).folds) == 5

    for work in (index, open_and_check, split):
        grows_linearly(work)


@pytest.mark.slow
def test_fifty_five_runs_on_ten_thousand_subjects_are_planned_and_begun_in_linear_time(tmp_path):
    experiment = load_experiment(Path("overall"))
    cohorts = {}
    for count in (MANY // 10, MANY):
        cohorts[count] = many(make_cohort(tmp_path / str(count), subjects=1, side=16), count)

    def begin_all(count):
        opened = open_cohort(cohorts[count])
        splits = splits_of(experiment, opened)
        planned = plan(experiment, opened, splits, tmp_path / f"runs-{count}")
        jobs = training_jobs(planned, opened, splits, "disabled")
        assert len(jobs) == 55
        for job in jobs:
            job.begin()

    grows_linearly(begin_all)


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_preparing_a_whole_head_stays_within_the_stated_memory(tmp_path, shift):
    pet, mr, label = (np.repeat(np.repeat(np.repeat(one, 8, 0), 8, 1), 8, 2) for one in brain(0, 32))
    save(tmp_path / "pet.nii.gz", pet, LIA + shift * np.eye(4, k=3))
    save(tmp_path / "mr.nii.gz", mr.astype(np.uint8))
    save(tmp_path / "label.nii.gz", label)
    (tmp_path / "m.csv").write_text("subject,pet,mr,label\na,pet.nii.gz,mr.nii.gz,label.nii.gz\n")
    words = ["prepare", str(tmp_path / "m.csv"), str(tmp_path / "cohort"), "--protocol", "coarse9"]
    subprocess.run([sys.executable, "-m", "benchmark", *words], check=True, cwd=Path(__file__).parents[2])
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 < PEAK_MIB
