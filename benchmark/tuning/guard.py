"""A cohort of which some subjects can't be opened: what is tuned on must never have been tested on."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from datamodules.cohort.store import Cohort
from datamodules.volumes.grid import Array


class ForbiddenSubjectError(PermissionError):
    """A subject was asked for that nothing may look at now."""


@dataclass(frozen=True)
class GuardedCohort(Cohort):
    """The same cohort, where every volume of some subjects stays closed.

    Attributes:
        forbidden: Their ids.
    """

    forbidden: frozenset[str] = frozenset()

    def _open(self, subject: str, kind: str) -> Array:
        if subject in self.forbidden:
            raise ForbiddenSubjectError(f"{subject}: is tested in this fold, so nothing of it may be opened.")
        return super()._open(subject, kind)


def guarded(cohort: Cohort, forbidden: Iterable[str]) -> GuardedCohort:
    """Close some subjects of a cohort."""
    known = {field.name: getattr(cohort, field.name) for field in fields(Cohort)}
    return GuardedCohort(**known, forbidden=frozenset(forbidden))
