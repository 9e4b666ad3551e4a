"""`petmr demo`: a simulated cohort, its preparation, the demo experiment and its tables in one go."""

from pathlib import Path

from benchmark.console import progress
from benchmark.experiment import SHIPPED
from benchmark.workflow import RunOptions, run_experiment
from datamodules.prepare import PrepareSettings, prepare
from datamodules.simulated_cohort import write_cohort
from datamodules.sources import find_subjects

SUBJECTS, SIZE, SPACING_MM = 8, 32, 6.0
"""A whole head in one patch: what a minute of two cores can learn from."""


def run_demo(output: Path, jobs: int) -> None:
    """Simulate, prepare, run and compare, all below `output`; what is there from before is used again."""
    source, cohort = output / "source", output / "cohort"
    if not source.exists():
        with progress("simulate", SUBJECTS) as advance:
            write_cohort(source, subjects=SUBJECTS, size=SIZE, spacing=SPACING_MM, seed=0, progress=advance)
    if not cohort.exists():
        with progress("prepare", SUBJECTS) as advance:
            prepare(find_subjects(source), cohort, PrepareSettings(protocol="coarse9"), progress=advance)
    run_experiment(SHIPPED / "demo.yaml", cohort, output / "runs", RunOptions(jobs=jobs))
