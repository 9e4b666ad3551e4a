import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from builders.cohorts import LIA, brain, make_cohort, save

from datamodules.cohort.splits import load_splits
from datamodules.cohort.store import open_cohort

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
