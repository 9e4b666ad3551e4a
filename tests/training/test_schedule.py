import pytest
import torch

from benchmark.training.schedule import Schedule


def rates(schedule: Schedule, steps: int) -> list[float]:
    """The learning rates that an optimizer of rate 1 has in each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = schedule.of(optimizer, steps)
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


def test_the_papers_schedule_is_none():
    assert not Schedule().changes
    assert rates(Schedule(), 5) == [1.0] * 5


def test_polynomial_decay_is_pytorchs():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=20, power=0.9)
    expected = []
    for _ in range(20):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert rates(Schedule("polynomial"), 20) == pytest.approx(expected)


def test_warm_up_rises_in_equal_parts_to_the_whole_rate_before_the_decay():
    found = rates(Schedule("polynomial", warmup=0.2, power=1.0), 20)
    assert found[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert found[5:] == pytest.approx([1 - step / 16 for step in range(1, 16)])
    assert all(rate > 0 for rate in found)


@pytest.mark.parametrize("settings", [{"warmup": 1.0}, {"warmup": -0.1}, {"power": 0.0}])
def test_impossible_schedules_are_refused(settings: dict):
    with pytest.raises(ValueError, match="A warm-up is a share"):
        Schedule(**settings)
