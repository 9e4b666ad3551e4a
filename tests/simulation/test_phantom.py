import numpy as np
import pytest

from datamodules.labels.protocol import load_protocol
from datamodules.simulation.phantom import phantom_labels
from datamodules.simulation.phantom_shapes import Ellipsoid

ASEG = set(load_protocol("aseg45").labels)


@pytest.mark.parametrize("seed", [*range(16), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(16, 50))])
def test_all_45_classes_are_present_at_4_mm(seed):
    found = set(np.unique(phantom_labels(seed, 64, 4.0)).tolist())
    assert {label for label in found if label < 500} == ASEG


@pytest.mark.parametrize("seed", range(5))
def test_all_coarse_classes_have_voxels_enough_at_6_mm(seed):
    indices = load_protocol("coarse9").to_indices(_brain(phantom_labels(seed, 32, 6.0)))
    assert np.bincount(indices.reshape(-1), minlength=9).min() >= 15


def test_a_seed_is_one_head_and_another_seed_another():
    np.testing.assert_array_equal(phantom_labels(1, 32, 6.0), phantom_labels(1, 32, 6.0))
    assert (phantom_labels(1, 32, 6.0) != phantom_labels(2, 32, 6.0)).mean() > 0.02


def test_a_seed_is_the_same_head_on_every_grid():
    coarse = phantom_labels(3, 32, 6.0)
    fine = phantom_labels(3, 96, 2.0, resolution=6.0)[1::3, 1::3, 1::3]
    assert (coarse == fine).mean() > 0.999


def test_left_structures_lie_left_in_ras():
    labels = phantom_labels(0, 64, 4.0)
    for structure in load_protocol("aseg45").structures:
        if structure.side == "left":
            left, right = (np.argwhere(labels == label)[:, 0].mean() for label in (structure.label, structure.partner))
            assert left < right


def test_front_and_top_point_as_in_ras():
    labels = phantom_labels(0, 64, 4.0)
    eyes, cerebellum, cortex = (np.argwhere(np.isin(labels, ids)).mean(0) for ids in (506, (8, 47), (3, 42)))
    assert eyes[1] > cortex[1] > cerebellum[1]
    assert cortex[2] > cerebellum[2]


def test_volumes_are_those_of_a_brain():
    labels = phantom_labels(0, 128, 2.0)
    litres = {name: np.isin(labels, ids).sum() * 8e-6 for name, ids in {"cortex": (3, 42), "white": (2, 41)}.items()}
    assert 0.35 < litres["cortex"] < 0.75
    assert 0.25 < litres["white"] < 0.75
    assert 0.9 < _brain(labels).astype(bool).sum() * 8e-6 < 1.8


def test_depth_of_a_turned_ellipsoid_is_positive_inside_only():
    part = Ellipsoid(17, (10.0, 0.0, 0.0), (2.0, 10.0, 2.0), pitch=90.0)
    x, y, z = (np.array(v, np.float32) for v in ([10, 10, 10], [0, 9, 0], [9, 0, 11]))
    assert (part.depth(x, y, z) > 0).tolist() == [True, False, False]


def _brain(labels: np.ndarray) -> np.ndarray:
    return np.where(labels < 500, labels, 0)
