"""Several experiments as one table: their rows were trained and tested on the same folds of the same cohort."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from benchmark.runs.adopted import TOGETHER
from benchmark.runs.evidence import Evidence, Gap
from datamodules.sources.subjects import named


def join(found: Sequence[Evidence], name: str) -> Evidence:
    """All runs of some experiments under one name, read as the first of them asks, with the labels of all.

    Raises:
        ValueError: If they are of different cohorts or folds, or two have a row of the same name.
    """
    for key in TOGETHER:
        values = {getattr(run.record, key): one.experiment for one in found for run in one.runs}
        if len(values) > 1:
            listed = ", ".join(f"{value} in {experiment}" for value, experiment in values.items())
            raise ValueError(f"These experiments have different {key}: {listed}. They must not share a table.")
    counts = Counter(variant for one in found for variant in one.networks)
    if twice := [variant for variant, count in counts.items() if count > 1]:
        raise ValueError(f"{named(twice)}: more than one of these experiments has such a row, so they can't be joined.")
    return Evidence(
        experiment=name,
        networks={variant: network for one in found for variant, network in one.networks.items()},
        runs=tuple(run for one in found for run in one.runs),
        gaps=tuple(Gap(f"{one.experiment}/{gap.run}", gap.reason) for one in found for gap in one.gaps),
        cases=pd.concat([one.cases for one in found], ignore_index=True).assign(experiment=name),
        incomplete={variant: lack for one in found for variant, lack in one.incomplete.items()},
        reading=replace(
            found[0].reading,
            labels={variant: label for one in found for variant, label in one.reading.labels.items()},
            by=list(dict.fromkeys(name for one in found for name in one.reading.by)),
        ),
    )
