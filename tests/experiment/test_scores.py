import json
from dataclasses import asdict
from time import process_time

import numpy as np
import pandas as pd
import pytest
import torch
from builders.cohorts import make_cohort
from builders.small_networks import SMALL, SMALL_PATCH

from benchmark.experiment.scores import cases_of_run, score_subject
from benchmark.labelling.predictions import write_prediction
from benchmark.labelling.sliding_window import SlidingWindow
from benchmark.labelling.whole_subjects import Inference, label_subject
from benchmark.runs.folder import RunFolder, RunRecord
from benchmark.scoring.case_table import read_cases
from benchmark.scoring.columns import SCORES, UPTAKE
from benchmark.statistics.consistency import measure
from datamodules.files import write_csv
from models import NETWORKS


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=2, side=32)


@pytest.fixture
def run(cohort, tmp_path):
    folder = RunFolder(tmp_path / "run")
    for subject in cohort.subjects:
        write_prediction(folder.predictions, cohort, subject, np.roll(cohort.label(subject), 1, 0))
    record = RunRecord("e", "v", "unet3d", fold=0, seed=0, identity="i", cohort=cohort.fingerprint, splits="s")
    folder.record.write_text(json.dumps(asdict(record)))
    return folder


def cases_of(cohort, run):
    """The cases of a run's subjects, from a table of each on disk."""
    tables = [run.path / f"{subject}.csv" for subject in cohort.subjects]
    for subject, table in zip(cohort.subjects, tables, strict=True):
        write_csv(table, score_subject(cohort, subject, run.predictions))
    return cases_of_run(run.read_record(), cohort, read_cases(tables))


def test_a_run_is_scored_with_everything_that_the_report_asks_for(cohort, run):
    cases = cases_of(cohort, run)
    assert list(cases.columns[:10]) == [*RunRecord.__annotations__, "subject", "group"]
    assert cases["group"].tolist() == cases["subject"].map(cohort.groups).tolist()
    assert {*SCORES, *UPTAKE} <= set(cases.columns)
    assert "uptake" in [one.quantity.name for one in measure(cases)]


def test_the_table_keeps_every_bit(cohort, run):
    write_csv(run.cases, cases_of(cohort, run))
    own = pd.concat([score_subject(cohort, subject, run.predictions) for subject in cohort.subjects])
    again = read_cases([run.cases])
    for name in ("dice", "hausdorff_mm", "assd_mm", "truth_mean", "prediction_mean"):
        np.testing.assert_array_equal(again[name].to_numpy(), own[name].to_numpy())


def test_a_prediction_of_another_grid_is_refused(cohort, run):
    other = make_cohort(run.path / "other", subjects=1, side=24)
    write_prediction(run.predictions, other, "s0", np.asarray(other.label("s0")))
    with pytest.raises(ValueError, match=r"s0_dseg.nii.gz: lies on another grid than the truth of s0"):
        score_subject(cohort, "s0", run.predictions)


def test_scoring_a_subject_of_the_demo_costs_less_than_predicting_it(cohort, run):
    network = NETWORKS["vnet"](2, 9, patch_size=SMALL_PATCH, **SMALL["vnet"]).eval()  # the demo's cheapest
    image = torch.from_numpy(cohort.images("s0")).float()
    settings = Inference(SlidingWindow(SMALL_PATCH))

    def predict():
        labels = label_subject(network, image, cohort.protocol.partners, settings)
        write_prediction(run.path / "again", cohort, "s0", labels.numpy())

    def score():
        score_subject(cohort, "s0", run.predictions)

    assert least_seconds(score) < least_seconds(predict)


def least_seconds(work, repeats=5):
    def seconds():
        start = process_time()
        work()
        return process_time() - start

    return min(seconds() for _ in range(repeats))
