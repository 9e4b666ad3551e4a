import pytest
import torch
from builders.ranks import of_two_ranks

from benchmark.training.loss_record import LossRecord

NAN = float("nan")


def record(*losses: float, first: int = 10, subject: str = "s") -> LossRecord:
    kept = LossRecord()
    for number, loss in enumerate(losses):
        kept.add(first + number, [torch.tensor(loss)] * 3, [f"{subject}{number}"])
    return kept


def test_means_are_over_what_was_looked_at_since_the_last_call():
    kept = record(1.0, 2.0)
    assert kept.means() == {}
    kept.look()
    kept.add(12, [torch.tensor(6.0)] * 3, ["s"])
    kept.look()
    assert kept.latest == 6
    assert set(kept.means().values()) == {3.0}
    assert kept.means() == {}


@pytest.mark.parametrize("bad", [NAN, float("inf")])
def test_the_first_loss_that_is_not_finite_is_named_with_its_step_and_subjects(bad):
    with pytest.raises(
        FloatingPointError, match=f"The loss is {bad} at step 11 on patches of s1; 10 was the last finite"
    ):
        record(1.0, bad, NAN).look()


def told_to_rank(rank: int) -> tuple[float | None, str]:
    fine = record(1.0 + 2 * rank)
    fine.look()
    kept = record(1.0, NAN if rank else 1.0, NAN, subject=f"of{rank}-")
    try:
        kept.look()
    except FloatingPointError as error:
        return fine.latest, str(error)
    return fine.latest, ""


def test_all_ranks_share_means_and_hear_of_a_loss_on_one_of_them(tmp_path):
    found = of_two_ranks(told_to_rank, tmp_path)
    assert [latest for latest, _ in found] == [2.0, 2.0]
    assert all("nan at step 11 on patches of of1-1; 10 was" in told for _, told in found)
