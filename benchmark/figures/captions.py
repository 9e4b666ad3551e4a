"""Sentences that captions of several figures share: over how many subjects, and what a dagger means."""

from collections.abc import Mapping

import pandas as pd

from benchmark.figures.style import Look


def subjects(cases: pd.DataFrame) -> str:
    """How many subjects every variant is scored in, as a sentence."""
    counts = cases.groupby("variant")["subject"].nunique()
    fewest, most = int(counts.min()), int(counts.max())
    return f"n = {most} subjects." if fewest == most else f"n = {fewest} to {most} subjects."


def runs(variants: "pd.Series[str]") -> str:
    """How many runs every variant has, one row each, as a sentence."""
    counts = variants.value_counts()
    fewest, most = int(counts.min()), int(counts.max())
    return f"n = {most} runs each." if fewest == most else f"n = {fewest} to {most} runs each."


def dagger(looks: Mapping[str, Look]) -> str:
    """What the dagger means, where any label has one."""
    return " † incomplete." if any("†" in look.label for look in looks.values()) else ""
