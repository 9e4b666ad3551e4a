"""Brings work to its end, wherever it is done, and goes on after failures."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from benchmark.runs.workplace import Workplace
from datamodules.files import read_json

WORK = "benchmark.experiment.work"
"""The module that is the process of a job."""

TAIL = 15
"""Lines of a failed job's log that its report shows."""


@dataclass(frozen=True)
class Job:
    """Work that a process does: where, and what must happen there first."""

    place: Workplace
    begin: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """How a job ended: its state, `skipped` where it was done before, and the end of its log where it isn't done."""

    name: str
    state: str
    message: str = ""


class Launcher(Protocol):
    """Brings begun work to its end, somewhere.

    Attributes:
        at_once: Jobs that it takes at a time.
    """

    at_once: int

    def __call__(self, place: Workplace) -> None:
        """Work in one place until its process has ended, however that was."""

    def stop(self) -> None:
        """Stop everything that is going on."""


def launch(
    jobs: Sequence[Job],
    launcher: Launcher,
    report: Callable[[Outcome], None] = lambda outcome: None,
    begun: Callable[[Workplace], None] = lambda place: None,
) -> list[Outcome]:
    """Bring jobs to their end, skipping those that are done.

    Args:
        jobs: What to do.
        launcher: Where.
        report: Called with each outcome as it is known.
        begun: Called with each place as work begins there.

    Raises:
        KeyboardInterrupt: After all processes have been stopped.
    """

    def one(job: Job) -> Outcome:
        if job.place.is_done():
            outcome = Outcome(job.place.name, "skipped")
        else:
            begun(job.place)
            outcome = _bring(job, launcher)
        report(outcome)
        return outcome

    pool = ThreadPoolExecutor(launcher.at_once)
    try:
        return list(pool.map(one, jobs))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        launcher.stop()
        raise
    finally:
        pool.shutdown(wait=True)


def _bring(job: Job, launcher: Launcher) -> Outcome:
    place = job.place
    try:
        job.begin()
        launcher(place)
    except (OSError, ValueError) as error:  # as from a full disk: others may still find room
        return Outcome(place.name, "failed", str(error))
    return Outcome(place.name, place.state(), "" if place.is_done() else _reason(place))


def _reason(place: Workplace) -> str:
    """Why work isn't done: the error that ended it or else the last that it said, and the end of its log."""
    log = place.log
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    said = next((line for line in reversed(lines) if line.strip()), "")
    error = read_json(place.ended).get("error") or said
    return "\n".join([error, f"The end of {log}:", *lines[-TAIL:]])
