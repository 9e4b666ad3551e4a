import numpy as np
import pytest
import torch

from benchmark.training.validation import SubjectDice


def subject(*classes):
    return torch.tensor(classes, dtype=torch.uint8).view(1, 1, -1)


def test_missed_and_spurious_structures_count_as_zero_and_absent_ones_not():
    dice = SubjectDice(4)
    dice.update(subject(0, 1, 1, 2), subject(0, 1, 1, 0))
    mean, structures = dice.compute()
    assert mean == pytest.approx(0.5)
    np.testing.assert_allclose(structures, [np.nan, 1, 0, np.nan])


def test_the_mean_is_over_subjects_whatever_their_number_of_structures():
    dice = SubjectDice(3)
    dice.update(subject(0, 1, 2), subject(0, 1, 2))
    dice.update(subject(0, 1, 1), subject(0, 0, 1))
    mean, structures = dice.compute()
    assert mean == pytest.approx((1 + 2 / 3) / 2)
    np.testing.assert_allclose(structures[1:], [(1 + 2 / 3) / 2, 1])
