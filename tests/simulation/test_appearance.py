from functools import partial

import numpy as np
import pytest

from datamodules.simulation.anatomy import HEAD
from datamodules.simulation.appearance import Range, draw_contrast, draw_image
from datamodules.simulation.cohort import write_cohort
from datamodules.simulation.phantom import phantom_labels
from datamodules.simulation.subject import simulate

LABELS = phantom_labels(0, 32, 6.0)


def drawn(seed: int, **within) -> np.ndarray:
    return draw_image(LABELS, 6.0, np.random.default_rng(seed), "intensity", Range(**within))


def test_images_fill_the_scales_of_mr_and_pet():
    subject = simulate(partial(phantom_labels, 0), size=24, spacing=8.0, seed=(1,), appearance="random")
    assert subject.mr.min() >= 0 and 200 < subject.mr.max() <= 255
    assert subject.pet.min() >= 0 and 100_000 < subject.pet.max() <= 137_919
    assert subject.mr.dtype == subject.pet.dtype == np.float32


def test_a_seed_gives_its_image_and_another_one_another():
    np.testing.assert_array_equal(drawn(0), drawn(0))
    assert (drawn(0) != drawn(1)).mean() > 0.5


def test_any_order_of_white_matter_cortex_and_ventricle_occurs_and_the_typical_one_most():
    contrasts = [draw_contrast(np.random.default_rng(seed), "intensity") for seed in range(300)]
    orders = [tuple(np.argsort(contrast[[2, 3, 4]])) for contrast in contrasts]
    counts = {order: orders.count(order) for order in set(orders)}
    assert len(counts) == 6
    assert max(counts, key=counts.__getitem__) == (2, 1, 0)  # ventricle, cortex, white matter: T1


def test_both_sides_share_what_was_drawn():
    for seed in range(20):
        contrast = draw_contrast(np.random.default_rng(seed), "uptake")
        np.testing.assert_allclose(contrast[[2, 10, 17]], contrast[[41, 49, 53]], rtol=0.08)


def test_some_heads_are_stripped_to_the_brain():
    outside = np.isin(LABELS, HEAD)
    quiet = {"noise": 0.0, "texture": 0.0, "point_spread": (0.0, 0.0)}
    assert drawn(0, stripped=1.0, **quiet)[outside].max() == 0
    assert drawn(0, stripped=0.0, **quiet)[outside].mean() > 0.05


def test_an_unknown_appearance_is_refused_and_nothing_is_made(tmp_path):
    with pytest.raises(ValueError, match="Appearance 'odd' isn't known: choose one of typical, random"):
        write_cohort(tmp_path / "out", subjects=1, size=16, spacing=8.0, seed=0, appearance="odd")
    assert not (tmp_path / "out").exists()
