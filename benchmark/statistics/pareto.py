"""Which networks are worth their cost: those that no other one beats in score without costing more."""

import pandas as pd


def pareto_front(scores: "pd.Series[float]", costs: "pd.Series[float]") -> "pd.Series[bool]":
    """Whether no other one has at least the score at no more cost, and one of the two better.

    Args:
        scores: The higher, the better.
        costs: Of the same index; whoever's isn't known isn't on the front.
    """
    known = pd.DataFrame({"score": scores, "cost": costs}).dropna()
    on = [
        not (
            (known["score"] >= row.score)
            & (known["cost"] <= row.cost)
            & ((known["score"] > row.score) | (known["cost"] < row.cost))
        ).any()
        for row in known.itertuples(index=False)
    ]
    return pd.Series(on, index=known.index, dtype=bool).reindex(scores.index, fill_value=False)
