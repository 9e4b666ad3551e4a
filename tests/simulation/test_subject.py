from functools import partial

import numpy as np
import pytest
from scipy import ndimage
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from datamodules.labels.protocol import load_protocol
from datamodules.simulation.materials import MATERIALS, draw_table, material_of
from datamodules.simulation.mr import MRScanner, simulate_mr
from datamodules.simulation.pet import Metabolism, PETScanner, average, enlarge, simulate_pet
from datamodules.simulation.phantom import phantom_labels
from datamodules.simulation.subject import SimulatedSubject, simulate

STEADY = Metabolism(asymmetry=0, cortical_variation=0, front_to_back=0, focus_probability=0)
NOISELESS = PETScanner(counts=1e7, background=0)


def blocks(*labels: int, width: int = 16) -> np.ndarray:
    """Slabs of one tissue each, side by side along x."""
    return np.repeat(np.array(labels, np.int16), width)[:, None, None] * np.ones((1, 24, 24), np.int16)


def middle_of(image: np.ndarray, block: int, width: int = 16) -> float:
    return float(image[block * width + width // 2, 8:16, 8:16].mean())


@pytest.fixture(scope="module")
def subject() -> SimulatedSubject:
    return simulate(partial(phantom_labels, 0, resolution=4.0), size=48, spacing=4.0, seed=(0, 1))


def test_the_three_volumes_share_one_grid_and_their_ranges(subject):
    assert subject.labels.shape == subject.mr.shape == subject.pet.shape == (48, 48, 48)
    assert subject.labels.dtype == np.int16
    assert subject.mr.dtype == subject.pet.dtype == np.float32
    assert subject.mr.min() >= 0
    assert subject.mr.max() <= 255
    assert subject.pet.min() >= 0
    assert subject.pet.max() <= 137_919


def test_head_tissue_is_background_of_the_truth_and_shows_in_the_images(subject):
    head = phantom_labels(0, 48, 4.0)
    load_protocol("aseg45").to_indices(subject.labels)
    scalp = head == 507
    assert scalp.any()
    assert (subject.labels[scalp] == 0).all()
    assert subject.mr[scalp].mean() > 40
    assert subject.pet[scalp].mean() > 1000


def test_structures_rank_as_in_t1_and_fdg(subject):
    def mean(image: np.ndarray, *labels: int) -> float:
        return float(image[np.isin(subject.labels, labels)].mean())

    assert mean(subject.mr, 2, 41) > mean(subject.mr, 3, 42) > mean(subject.mr, 4, 43)
    assert mean(subject.pet, 3, 42) > mean(subject.pet, 2, 41) > mean(subject.pet, 4, 43)


def test_threads_do_not_change_a_bit():
    subjects = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            subjects.append(simulate(partial(phantom_labels, 4), size=24, spacing=8.0, seed=(4,)))
    for volume in ("labels", "mr", "pet"):
        np.testing.assert_array_equal(getattr(subjects[0], volume), getattr(subjects[1], volume))


def test_seeds_differ_in_both_images():
    first, second = (simulate(partial(phantom_labels, 0), size=24, spacing=8.0, seed=(0, k)) for k in (1, 2))
    np.testing.assert_array_equal(first.labels, second.labels)
    assert (first.mr != second.mr).mean() > 0.9
    assert (first.pet != second.pet).mean() > 0.5


def test_pet_recovers_the_uptake_of_wide_blocks():
    labels = blocks(3, 2, 4, 12)
    table = draw_table(np.random.default_rng(0), "uptake", 0.0)
    pet = simulate_pet(labels, 2.0, np.random.default_rng(0), scanner=NOISELESS, metabolism=STEADY)
    for block, label in enumerate((3, 2, 4, 12)):
        assert middle_of(pet, block) == pytest.approx(34_000 * table[label], rel=0.02)


def test_pet_has_the_resolution_stated():
    labels = blocks(2, 3, width=24)
    pet = simulate_pet(labels, 1.0, np.random.default_rng(0), scanner=NOISELESS, metabolism=STEADY)
    edge = np.gradient(pet[:, 8:16, 8:16].mean((1, 2)))[12:36].astype(float)
    edge /= edge.sum()
    where = np.arange(24)
    deviation = np.sqrt((edge * where**2).sum() - (edge * where).sum() ** 2)
    assert 2.355 * deviation == pytest.approx(np.hypot(4.0, 2.5), rel=0.15)


def test_pet_noise_falls_with_counts():
    def noise(counts: float) -> float:
        scanner = PETScanner(counts=counts)
        return float(simulate_pet(blocks(3), 2.0, np.random.default_rng(0), scanner=scanner, metabolism=STEADY).std())

    assert noise(10) == pytest.approx(2 * noise(40), rel=0.15)


def test_pet_scales_with_activity_up_to_the_clip():
    rngs = (np.random.default_rng(0) for _ in range(3))
    images = [
        simulate_pet(blocks(3), 2.0, rng, cortical_activity=activity, scanner=NOISELESS, metabolism=STEADY)
        for rng, activity in zip(rngs, (20_000, 40_000, 1e6), strict=True)
    ]
    assert images[1].mean() == pytest.approx(2 * images[0].mean(), rel=1e-3)
    assert images[2].min() == images[2].max() == 137_919


def test_a_focus_lowers_uptake_on_one_side_only():
    labels = np.concatenate([blocks(3, width=40), blocks(42, width=40)])
    focal = Metabolism(0, 0, 0, focus_probability=1, focus_radius=(12, 12), focus_depth=(0.5, 0.5))
    pet = simulate_pet(labels, 2.0, np.random.default_rng(1), scanner=NOISELESS, metabolism=focal)
    lowest = pet.min(axis=(1, 2))
    assert lowest.min() == pytest.approx(0.5 * lowest.max(), rel=0.05)


def test_mr_means_are_those_of_the_tissues():
    plain = MRScanner(noise=0, bias=0)
    table = draw_table(np.random.default_rng(0), "intensity", 0.0)
    images = [simulate_mr(blocks(2, 3, 4), 1.0, np.random.default_rng(k), plain) for k in range(30)]
    for block, label in enumerate((2, 3, 4)):
        across = np.mean([middle_of(image, block) for image in images])
        assert across == pytest.approx(MATERIALS[label].intensity, abs=3 * MATERIALS[label].intensity_spread / 5)
        assert table[label] == pytest.approx(MATERIALS[label].intensity, abs=4 * MATERIALS[label].intensity_spread)


def test_mr_noise_of_air_is_rayleigh():
    air = np.zeros((40, 40, 40), np.int16)
    noise = simulate_mr(air, 1.0, np.random.default_rng(0), MRScanner(noise=20, bias=0))
    assert noise.mean() == pytest.approx(20 * np.sqrt(np.pi / 2), rel=0.05)


def test_every_structure_and_head_tissue_has_a_material():
    for structure in load_protocol("aseg45").structures:
        mirror = structure.label if structure.partner is None else structure.partner
        assert material_of(structure.label) == material_of(mirror)
        assert material_of(structure.label) in MATERIALS.values()
    assert material_of(777) == MATERIALS[507]


def test_draws_of_a_label_are_the_same_on_both_sides_but_for_asymmetry():
    table = draw_table(np.random.default_rng(0), "uptake", 0.0)
    assert table[17] == table[53]
    table = draw_table(np.random.default_rng(0), "uptake", 0.03)
    assert table[17] != table[53]
    assert table.min() >= 0


def test_averaging_and_enlarging_keep_a_smooth_image():
    x = np.linspace(0, 1, 30, dtype=np.float32)
    smooth = x[:, None, None] + 2 * x[:, None] + 3 * x
    coarse = average(smooth, 3)
    np.testing.assert_allclose(coarse, ndimage.uniform_filter(smooth, 3)[1::3, 1::3, 1::3], rtol=1e-5)
    np.testing.assert_allclose(enlarge(coarse, 3, smooth.shape)[2:-2, 2:-2, 2:-2], smooth[2:-2, 2:-2, 2:-2], rtol=1e-4)


def test_a_size_that_is_no_multiple_of_the_factor_is_kept():
    image = simulate_pet(blocks(3)[:15, :23, :21], 1.0, np.random.default_rng(0), metabolism=STEADY)
    assert image.shape == (15, 23, 21)


def test_a_voxelwise_classifier_gains_from_having_both_images():
    coarse = load_protocol("coarse9")
    subjects = [simulate(partial(phantom_labels, k, resolution=6.0), size=32, spacing=6.0, seed=(k,)) for k in range(3)]
    brains = [subject.labels > 0 for subject in subjects]
    images = [np.stack([s.pet[brain], s.mr[brain]], axis=1) for s, brain in zip(subjects, brains, strict=True)]
    truths = [coarse.to_indices(s.labels[brain]) for s, brain in zip(subjects, brains, strict=True)]

    def mean_dice(channels: list[int]) -> float:
        """Of white matter, cortex and CSF in the subject not trained on."""
        classifier = QuadraticDiscriminantAnalysis()
        classifier.fit(np.concatenate(images[:2])[:, channels], np.concatenate(truths[:2]))
        found = classifier.predict(images[2][:, channels])
        return float(np.mean(f1_score(truths[2], found, labels=[1, 2, 3], average=None)))

    assert mean_dice([0, 1]) > max(mean_dice([0]), mean_dice([1])) + 0.1
