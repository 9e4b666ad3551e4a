"""`petmr evaluate`: finished runs tested again under other conditions, without training, in processes like theirs."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from benchmark.experiment.conditions import Condition
from benchmark.experiment.retest import Retest
from benchmark.experiment.status import find_runs
from benchmark.launching.launch import Job
from benchmark.runs.adopted import is_adopted
from benchmark.runs.folder import RunFolder


def concerned(folders: Sequence[Path], condition: Condition, only: str = "*") -> list[RunFolder]:
    """The finished runs to which a condition makes a difference; adopted ones have no network to test again.

    Args:
        folders: Of experiments.
        condition: What is different.
        only: Pattern over `variant/fold-0-seed-0`.

    Raises:
        FileNotFoundError: If a folder holds no runs.
    """
    found = [run for folder in folders for run in find_runs(folder) if fnmatch(run.name, only)]
    trained = [run for run in found if run.is_done() and not is_adopted(run.read_record())]
    return [run for run in trained if condition.applies_to(run.read_config())]


def retests(folders: Sequence[Path], conditions: Sequence[Condition], only: str = "*") -> list[Job]:
    """The tests of all finished runs under all conditions that concern them, ready to be worked on."""
    places = []
    for condition in conditions:
        for run in concerned(folders, condition, only):
            place = Retest.of(run, condition)
            place.ask(condition)
            places.append(place)
    return [Job(place) for place in places]
