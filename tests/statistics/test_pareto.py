import pandas as pd
import pytest

from benchmark.statistics.pareto import pareto_front


def test_whom_nobody_beats_for_as_little_is_on_the_front():
    table = pd.DataFrame({"score": [0.9, 0.8, 0.7, 0.6], "cost": [10, 3, 5, 1]}, index=list("abcd"))
    assert pareto_front(table["score"], table["cost"]).to_dict() == {"a": True, "b": True, "c": False, "d": True}


@pytest.mark.parametrize(
    ("cost", "expected"), [(10.0, [True, True]), (11.0, [True, False]), (float("nan"), [True, False])]
)
def test_equals_share_the_front_and_an_unknown_cost_is_off_it(cost: float, expected: list[bool]):
    assert pareto_front(pd.Series([0.9, 0.9]), pd.Series([10.0, cost])).tolist() == expected
