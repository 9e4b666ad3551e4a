import numpy as np
import pytest
from builders.label_pairs import CLASSES, label_pairs
from hypothesis import given, settings
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from benchmark.scoring.counts import Counts, joint_histogram, structure_counts
from benchmark.scoring.overlap import overlap_metrics, volume_similarity

PEERS = {"dice": f1_score, "jaccard": jaccard_score, "sensitivity": recall_score, "precision": precision_score}


@given(label_pairs())
@settings(deadline=None, max_examples=50)
def test_overlaps_equal_scikit_learns(pair):
    metrics = overlap_metrics(structure_counts(joint_histogram(pair.truth, pair.prediction, CLASSES)))
    flat = pair.truth.ravel(), pair.prediction.ravel()
    for name, peer in PEERS.items():
        expected = peer(*flat, labels=range(CLASSES), average=None, zero_division=0)
        np.testing.assert_allclose(np.nan_to_num(metrics[name]), expected, rtol=1e-12)


def test_a_worked_example():
    counts = Counts(tp=np.array([6]), fp=np.array([2]), fn=np.array([4]))
    expected = {"dice": 12 / 18, "jaccard": 6 / 12, "sensitivity": 0.6, "precision": 0.75, "volume_similarity": 16 / 18}
    assert {name: float(values[0]) for name, values in overlap_metrics(counts).items()} == pytest.approx(expected)


def test_volume_similarity_is_one_for_equal_volumes_that_never_touch():
    assert volume_similarity(np.array([0]), np.array([5]), np.array([5])) == 1


@pytest.mark.filterwarnings("error")
def test_every_overlap_of_nothing_is_undefined_without_a_warning():
    nothing = np.zeros(1, np.int64)
    assert all(np.isnan(values) for values in overlap_metrics(Counts(nothing, nothing, nothing)).values())
