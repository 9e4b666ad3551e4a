from dataclasses import asdict

import numpy as np
import pytest

from benchmark.bench.monai_scores import confusion_matrix, dice, distances, mean_iou, one_hot
from benchmark.bench.scoring import (
    ANISOTROPIC_MM,
    ISOTROPIC_MM,
    bench,
    largest_difference,
    make_pair,
    our_distances,
    our_overlaps,
)


@pytest.fixture(scope="module")
def pair():
    return make_pair(40)


@pytest.fixture(scope="module")
def tensors(pair):
    return one_hot(**asdict(pair), dtype="float32")


def test_the_prediction_is_wrong_at_some_edges_and_right_elsewhere(pair):
    wrong = (pair.truth != pair.prediction)[pair.truth > 0].mean()
    assert 0.1 < wrong < 0.7


def test_the_pair_is_a_function_of_its_seed(pair):
    assert np.array_equal(make_pair(40).prediction, pair.prediction)
    assert not np.array_equal(make_pair(40, seed=1).prediction, pair.prediction)


@pytest.mark.parametrize("peer", [mean_iou, dice, confusion_matrix])
def test_overlaps_equal_monais(pair, tensors, peer):
    assert largest_difference(our_overlaps(pair), peer(tensors), pair.common()) <= 1e-6


@pytest.mark.parametrize("spacing", [ISOTROPIC_MM, ANISOTROPIC_MM])
def test_distances_equal_monais(pair, tensors, spacing):
    assert largest_difference(our_distances(pair, spacing), distances(tensors, spacing), pair.common()) <= 1e-5


def test_a_difference_is_seen_only_where_both_maps_have_the_structure():
    ours, peer = {"dice": np.array([np.nan, 0.5, 0.0])}, {"dice": np.array([np.nan, 0.75, np.nan])}
    assert largest_difference(ours, peer, np.array([1])) == 0.25
    assert np.isnan(largest_difference(ours, peer, np.array([1, 2])))


@pytest.mark.slow
def test_every_case_is_measured_and_ours_is_cheaper():
    cases = bench(size=32, repeats=1)
    for case in cases.values():
        assert set(case) == {"ours", "peer", "ratio", "max_difference"}
        assert case["ratio"]["cpu_seconds"] > 1
        assert case["max_difference"] <= 1e-5
