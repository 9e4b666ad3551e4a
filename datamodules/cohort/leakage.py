"""Whether subjects to test a network on are among those that it has learned from, under whatever name."""

from collections.abc import Iterable, Mapping
from typing import Any

from datamodules.cohort.store import Cohort
from datamodules.sources.subjects import named

Traces = Mapping[str, Mapping[str, Any]]
"""Subject to its group and the hashes of its images, as files and as they were stored."""


def traces(cohort: Cohort, subjects: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By which subjects are known again in another cohort; label maps may be equal, above all empty ones."""
    return {
        subject: {
            "group": known.group,
            "hashes": [*(known.sources[name].sha256 for name in cohort.modalities), known.volumes["images"].sha256],
        }
        for subject in subjects
        for known in (cohort.subjects[subject],)
    }


def leaked(learned: Traces, tested: Traces, *, strangers: bool = False) -> dict[str, str]:
    """Subject that is tested to why it is one that was learned from.

    Args:
        learned: What a network was trained and chosen by.
        tested: What it is to be tested on.
        strangers: Whether groups of the same name are other people.
    """
    groups = {trace["group"]: subject for subject, trace in learned.items()}
    hashes = {value: subject for subject, trace in learned.items() for value in trace["hashes"]}
    found = {}
    for subject, trace in tested.items():
        same = next((hashes[value] for value in trace["hashes"] if value in hashes), None)
        if same is not None:
            found[subject] = f"an image of {same}"
        elif trace["group"] in groups and not strangers:
            found[subject] = f"group {trace['group']}"
    return found


def refuse_leakage(learned: Traces, tested: Traces, where: str, *, strangers: bool = False) -> None:
    """Go on only where nobody is tested that was learned from.

    Args:
        learned: What a network was trained and chosen by.
        tested: What it is to be tested on.
        where: What the message names: the cohort that is tested.
        strangers: Whether groups of the same name are other people.

    Raises:
        ValueError: Naming the subjects, and why each is one of those.
    """
    found = leaked(learned, tested, strangers=strangers)
    if not found:
        return
    whom = named([f"{subject} ({why})" for subject, why in found.items()], 5)
    by_name = all(why.startswith("group ") for why in found.values())
    remedy = " Where these are other people of the same names, say so: --strangers." if by_name else ""
    raise ValueError(
        f"{where}: {len(found)} of {len(tested)} subjects are among those that the network has learned from: {whom}. "
        f"Prepare it without them (--exclude).{remedy}"
    )
