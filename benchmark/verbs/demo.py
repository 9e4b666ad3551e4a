"""`petmr demo`: a simulated cohort, its preparation, the demo experiment and its tables in one go."""

from pathlib import Path

SUBJECTS, SIZE, SPACING_MM = 8, 32, 6.0
"""A whole head in one patch: what a minute of two cores can learn from."""


def demo(*, output: Path = Path("demo"), jobs: int = 2) -> None:
    """Simulate a phantom cohort, prepare it, compare networks on it, and print the table: minutes on a laptop.

    What is there from before is used again.

    Args:
        output: Folder for everything that the demo makes.
        jobs: Runs at a time.
    """
    from benchmark.console import progress
    from benchmark.experiment.definition import SHIPPED
    from benchmark.experiment.workflow import RunOptions, run_experiment
    from benchmark.launching.forking import begin_importing
    from datamodules.cohort.prepare import PrepareSettings, prepare
    from datamodules.simulation.cohort import write_cohort
    from datamodules.sources.find import find_subjects

    begin_importing()
    source, cohort = output / "source", output / "cohort"
    if not source.exists():
        with progress("simulate", SUBJECTS) as advance:
            write_cohort(source, subjects=SUBJECTS, size=SIZE, spacing=SPACING_MM, seed=0, progress=advance)
    if not cohort.exists():
        with progress("prepare", SUBJECTS) as advance:
            prepare(find_subjects(source), cohort, PrepareSettings(protocol="coarse9"), progress=advance)
    run_experiment(SHIPPED / "demo.yaml", cohort, output / "runs", RunOptions(jobs=jobs))
