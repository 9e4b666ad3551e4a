import numpy as np
import pandas as pd
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from benchmark.scoring.calibration import ALL, BINS, bin_counts, expected_calibration_error

NAMES = ("background", "a", "b")


def volumes(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth, and probabilities `[K, ...]` that know something of it."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, (9, 8, 7))
    logits = generator.normal(0, 1, (3, 9, 8, 7)) + 1.2 * (truth == np.arange(3)[:, None, None, None])
    shares = np.exp(logits) / np.exp(logits).sum(0)
    return truth, shares


def test_the_error_is_torchmetrics_over_the_voxels_that_get_a_label():
    truth, shares = volumes()
    prediction = shares.argmax(0)
    table = expected_calibration_error(bin_counts(truth, prediction, shares.max(0), NAMES), []).set_index("structure")
    for structure, chosen in ((ALL, prediction > 0), ("a", prediction == 1), ("b", prediction == 2)):
        seen = torch.from_numpy(shares[:, chosen].T), torch.from_numpy(truth[chosen])
        expected = multiclass_calibration_error(*seen, num_classes=3, n_bins=BINS, norm="l1").item()
        assert table.loc[structure, "ece"] == pytest.approx(expected, abs=1e-6)
        assert table.loc[structure, "voxels"] == chosen.sum()


def test_a_network_that_is_as_sure_as_it_is_right_has_no_error_and_one_that_is_always_sure_has_its_errors():
    truth = np.array([1, 1, 1, 2]).reshape(4, 1, 1)
    prediction = np.ones_like(truth)
    for confidence, error in ((0.75, 0.0), (1.0, 0.25)):
        counts = bin_counts(truth, prediction, np.full(truth.shape, confidence), NAMES)
        table = expected_calibration_error(counts, []).set_index("structure")
        assert table.loc["a", "ece"] == pytest.approx(error)
        assert table.loc["a", "overconfidence"] == pytest.approx(error)
        assert "b" not in table.index and "background" not in table.index


def test_subjects_add_up_and_variants_stay_apart():
    parts = [
        bin_counts(truth, shares.argmax(0), shares.max(0), NAMES)
        for truth, shares in (volumes(seed) for seed in (0, 1))
    ]
    truth, shares = (np.concatenate([volumes(seed)[index] for seed in (0, 1)], axis=-1) for index in (0, 1))
    whole = expected_calibration_error(bin_counts(truth, shares.argmax(0), shares.max(0), NAMES), [])
    together = expected_calibration_error(pd.concat(parts), [])
    pd.testing.assert_frame_equal(together, whole)
    apart = expected_calibration_error(
        pd.concat([parts[0].assign(variant="x"), parts[1].assign(variant="y")]), ["variant"]
    )
    assert list(apart["variant"].unique()) == ["x", "y"] and len(apart) == 6
