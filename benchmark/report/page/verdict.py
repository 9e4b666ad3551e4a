"""The headline of a page: the verdict in so few words that it can stand above everything."""

from collections.abc import Mapping

from benchmark.statistics.resampling import LEVEL
from benchmark.statistics.verdict import Verdict

NAMED = 2
"""Networks that the headline names beside the leader."""


def headline(verdict: Verdict, names: Mapping[str, str]) -> str:
    """Who leads, and whether alone.

    Args:
        verdict: Of an experiment.
        names: Variant to its name for print.
    """
    if not verdict.leader:
        return "Fewer than two networks are complete, so none can be said to lead"
    leader, others = names[verdict.leader], [names[name] for name in verdict.tied]
    if not others:
        return f"{leader} leads"
    if verdict.floor > LEVEL:
        return f"{leader} leads, but no test could confirm it"
    if 1 < len(others) == verdict.compared - 1:
        return f"{leader} leads, tied with all {len(others)} others"
    if len(others) > NAMED:
        return f"{leader} leads, tied with {len(others)} of {verdict.compared - 1} others"
    return f"{leader} leads, tied with {' and '.join(others)}"
