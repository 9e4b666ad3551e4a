"""A process that does one piece of work: `python -m benchmark.experiment.work FOLDER`."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from lightning.pytorch.utilities.exceptions import SIGTERMException

from benchmark.experiment.retest import Retest
from benchmark.experiment.run import execute, retest
from benchmark.launching.following import follow_parent
from benchmark.launching.temporaries import keep_temporaries_in
from benchmark.runs.folder import PATIENCE_S, RunFolder
from benchmark.runs.lock import LockedError, locked
from benchmark.training.allocator import keep_freed_memory
from benchmark.training.quiet import speak
from benchmark.training.rank import is_first
from benchmark.training.stopping import listen
from datamodules.files import remove_temporaries, write_json


@contextmanager
def ending_noted(place: RunFolder | Retest) -> Iterator[None]:
    """Write how what is done in here ended, as seen by this rank."""
    started = time.time()
    state, error = "failed", ""
    try:
        yield
        state = "done"
    except SIGTERMException:
        state = "preempted"
        raise
    except Exception as reason:
        error = f"{type(reason).__name__}: {reason}"
        raise
    finally:
        first_failure = state == "failed" and not place.ended.exists()  # what other ranks say follows from it
        if first_failure or (state != "failed" and is_first()):
            write_json(place.ended, {"state": state, "seconds": round(time.time() - started, 1), "error": error})


def work(place: RunFolder | Retest) -> None:
    """Bring a run, or a run's test under a condition, to its end.

    Raises:
        SIGTERMException: If the process was told to stop.
    """
    if isinstance(place, Retest):
        retest(place)
    else:
        execute(place)


def clear(place: RunFolder | Retest) -> None:
    """Remove what killed processes left, but not what another command is writing here: what is to be done."""
    with locked(place.beginning, PATIENCE_S):
        remove_temporaries(place.path)


def main() -> None:
    """Work in the folder named on the command line; the first of several ranks holds its lock."""
    speak()
    keep_freed_memory()
    place = _place(Path(sys.argv[1]))
    listen()
    follow_parent()
    try:
        with locked(place.lock, PATIENCE_S) if is_first() else nullcontext():
            if is_first():
                if place.is_done():  # by the process that held the lock until now
                    return
                place.ended.unlink(missing_ok=True)
            with ending_noted(place):
                if is_first():
                    clear(place)
                    keep_temporaries_in(place.path)
                work(place)
    except LockedError as error:
        sys.exit(str(error))
    except SIGTERMException:  # which would exit with 0
        sys.exit("Stopped by a signal; the same command goes on where this left off.")


def _place(folder: Path) -> RunFolder | Retest:
    return Retest(folder) if Retest(folder).asked.is_file() else RunFolder(folder)


if __name__ == "__main__":
    main()
