"""The verbs that let others take part: pack, adopt, export."""

from pathlib import Path


def pack(
    runs: list[Path],
    *,
    output: Path,
    by: str = "",
    only: str = "*",
    predictions: bool = False,
    covariates: list[str] | None = None,
) -> None:
    """Put everything that a table needs of some runs into one zip file, which `petmr report` reads anywhere.

    Args:
        runs: Folders of experiments, such as runs/overall.
        output: The zip file to write.
        by: Who you are, for the readers of the tables: a laboratory, a city.
        only: Pattern over the runs' names, such as 'mine/*'.
        predictions: Take the predicted label maps along.
        covariates: Names of the subjects' covariates to take along, such as sex age; none where not given.
    """
    from benchmark.console import progress, stdout
    from benchmark.runs.evidence import find_runs
    from benchmark.sharing.pack import Contents
    from benchmark.sharing.pack import pack as write

    contents = Contents(by, only, predictions, tuple(covariates or ()))
    with progress("pack", len(find_runs(runs))) as advance:
        made = write(runs, output, contents, advance)
    stdout.print(
        f"{output}: {made.runs} runs, {made.files} files of {made.size / 2**20:.1f} MiB before compression, hash "
        f"{made.hash}. Next: petmr report {output}",
        markup=False,
    )
