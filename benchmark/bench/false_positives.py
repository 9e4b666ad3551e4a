"""How often the report's tests tell equal networks apart: `python -m benchmark.bench.false_positives CSV`.

Networks of one quality are trained and tested many times over, on paper: every score is a sum of normal parts
(`Spread`), of which each network, fold, seed and group gets its own. The tests are the report's own functions.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.console import progress, show_table
from benchmark.statistics.resampling import LEVEL, hierarchical_means
from benchmark.statistics.significance import hierarchical_tests, paired_tests
from datamodules.files import write_csv
from datamodules.parallel import each

EXPERIMENTS, DRAWS = 1000, 1000
GROUPS, FOLDS = 110, 5
"""As in the paper: 110 subjects; and five folds."""
TESTS = ("Wilcoxon", "interval over groups", "methods", "interval of methods")


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the parts of a group's mean Dice.

    Attributes:
        group: Of groups, shared by all networks (hard and easy heads).
        network_group: Of a network on a group, whatever its seed.
        network_fold: Of a network on a fold's training data, whatever its seed.
        seed: Of one training, the same for all groups that it tests.
        rest: Of one training on one group.
    """

    group: float = 0.03
    network_group: float = 0.004
    network_fold: float = 0.0
    seed: float = 0.003
    rest: float = 0.004


@dataclass(frozen=True)
class Scenario:
    """Equal networks, how often each is trained on every fold, and how they spread."""

    networks: int
    seeds: int
    spread: Spread


SCENARIOS = tuple(
    Scenario(networks, seeds, spread)
    for networks, spread, counts in (
        (2, Spread(), (1, 2, 3, 5)),
        (2, Spread(seed=0.001), (1, 3)),
        (2, Spread(seed=0.0), (1, 3)),
        (2, Spread(network_fold=0.001), (1, 3)),
        (11, Spread(), (1, 3)),
    )
    for seeds in counts
)


def experiment(scenario: Scenario, number: int) -> pd.DataFrame:
    """The scores of equal networks, as `benchmark.statistics.scores.run_scores` gives them.

    Args:
        scenario: What spreads.
        number: Of the experiment, which seeds its draws.
    """
    generator, spread = np.random.default_rng(number), scenario.spread
    size = (scenario.networks, FOLDS, scenario.seeds, GROUPS // FOLDS)
    parts = (
        (spread.group, (1, FOLDS, 1, size[3])),
        (spread.network_group, (size[0], FOLDS, 1, size[3])),
        (spread.network_fold, (size[0], FOLDS, 1, 1)),
        (spread.seed, (size[0], FOLDS, size[2], 1)),
        (spread.rest, size),
    )
    scores = np.full(size, 0.85)
    for sd, shape in parts:
        scores = scores + generator.normal(0, sd, shape)
    variant, fold, seed, group = (index.ravel() for index in np.indices(size))
    table = {"variant": variant, "fold": fold, "seed": seed, "group": fold * size[3] + group, "score": scores.ravel()}
    return pd.DataFrame(table)


def findings(number: int, scenario: Scenario) -> tuple[bool, ...]:
    """Which of `TESTS` find any difference in an experiment; without seeds to tell methods the last two find none."""
    runs = experiment(scenario, number)
    scores = runs.pivot_table("score", "group", "variant")
    tests = paired_tests(scores, draws=DRAWS)
    apart = (tests["low"] > 0) | (tests["high"] < 0)
    found = [(tests["p_holm"] < LEVEL).any(), apart.any()]
    if scenario.seeds > 1:
        methods = hierarchical_tests(hierarchical_means(runs, draws=DRAWS))
        outside = (methods["method_low"] > 0) | (methods["method_high"] < 0)
        found += [(methods["p_method_holm"] < LEVEL).any(), outside.any()]
    return tuple(map(bool, found))


def rates(scenario: Scenario, experiments: int = EXPERIMENTS, processes: int = 1) -> Iterator[dict[str, object]]:
    """Share of experiments in which each test finds a difference, with Wilson's 95 % interval: one row a test."""
    found = np.array(list(each(partial(findings, scenario=scenario), range(experiments), processes)))
    for test, hits in zip(TESTS, found.sum(axis=0), strict=False):
        interval = stats.binomtest(int(hits), experiments).proportion_ci(method="wilson")
        known = {"networks": scenario.networks, "seeds": scenario.seeds, "groups": GROUPS, "folds": FOLDS}
        sds = {f"sd_{name}": sd for name, sd in asdict(scenario.spread).items()}
        measured = {"experiments": experiments, "rate": hits / experiments, "low": interval.low, "high": interval.high}
        yield {**known, **sds, "test": test, **measured}


def main() -> None:
    """Write the table of all scenarios to the file named on the command line."""
    rows: list[dict[str, object]] = []
    with progress("false positives", len(SCENARIOS)) as advance:
        for scenario in SCENARIOS:
            rows += rates(scenario)
            advance(f"{scenario.networks} networks, {scenario.seeds} seeds")
    table = pd.DataFrame(rows)
    write_csv(Path(sys.argv[1]), table)
    show_table(table[["networks", "seeds", "sd_seed", "sd_network_fold", "test", "rate"]], "False positives at 5 %")


if __name__ == "__main__":
    main()
