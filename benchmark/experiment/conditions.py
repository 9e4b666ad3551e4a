"""Conditions other than a run's own test: a missing modality, a noisy or misaligned PET, another cohort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datamodules.cohort.contract import differences
from datamodules.cohort.leakage import refuse_leakage, traces
from datamodules.cohort.store import Cohort, open_cohort
from datamodules.patches.misalignment import Misalignment


@dataclass(frozen=True)
class Condition:
    """What is different from the test that a run ended with.

    Attributes:
        name: Names `cases-NAME.csv` and `predictions-NAME` in the folders of the runs.
        data: The differing settings of `PETMRDataModule`.
        columns: What the rows of its cases say besides.
        needs: A modality that a network must see for the condition to make a difference; empty for any.
        beside: Whether it must see another one besides.
    """

    name: str
    data: Mapping[str, Any]
    columns: Mapping[str, str | float]
    needs: str = ""
    beside: bool = False

    def applies_to(self, config: Mapping[str, Any]) -> bool:
        """Whether it makes a difference to a run of this configuration, and leaves its network something to see."""
        seen = config["data"].get("modalities")
        if seen is None or not self.needs:
            return True
        return self.needs in seen and (len(seen) > 1 or not self.beside)


def without(modality: str) -> Condition:
    """A modality is missing: its channel is 0."""
    return Condition(f"missing-{modality}", {"missing": [modality]}, {"missing": modality}, modality, beside=True)


def noisy(level: str | float) -> Condition:
    """The PET is noisy; named by the share that a level stands for, so that either is the same condition.

    Raises:
        ValueError: If the level is unknown, or no noise at all.
    """
    from datamodules.patches.pet_noise import noise_share  # torch

    share = noise_share(level)
    if not share:
        raise ValueError(f"Noise '{level}' is no noise: that is the test that every run ends with.")
    return Condition(f"noise-{share:g}", {"noise": share}, {"noise": share}, "pet")


def misaligned(size: str) -> Condition:
    """The PET is displaced against all else.

    Args:
        size: Such as `2mm`, `3deg` or `2mm,3deg`.

    Raises:
        ValueError: If the size isn't understood, or is none.
    """
    found = Misalignment.parse(size)
    if not found:
        raise ValueError(f"A misalignment of '{size}' is none: that is the test that every run ends with.")
    columns = {"misaligned_mm": found.mm, "misaligned_degrees": found.degrees}
    return Condition(f"misaligned-{found}", {"misaligned": vars(found)}, columns, "pet", beside=True)


def elsewhere(cohort: Path, name: str | None = None, *, strangers: bool = False) -> Condition:
    """All subjects of another cohort are tested, or those that its own split (`petmr split --folds 1`) says.

    Args:
        cohort: Which; it must be as the network's own (the checkpoint tells), and hold nobody that it learned from.
        name: Of the cohort in tables; its folder's where not given.
        strangers: Whether groups that are called as in the training are other people.

    Raises:
        FileNotFoundError: If there is no such cohort.
    """
    opened = open_cohort(cohort.resolve())
    called = name or opened.path.name
    data = {"cohort": str(opened.path), "folds": 1, "fold": 0, "split_seed": 0, "strangers": strangers}
    return Condition(f"cohort-{called}", data, {"test_cohort": called})


@dataclass(frozen=True)
class Conditions:
    """Under which conditions the finished runs of an experiment are tested again.

    Attributes:
        noise: Levels of PET noise: low, moderate, high, severe, or shares of the mean uptake.
        missing: Modalities that are set to 0, one at a time.
        misaligned: Displacements of the PET, such as 2mm, 3deg or 2mm,3deg.
        cohorts: Name to prepared cohort; in an experiment's file, beside it where the path isn't absolute.
        strangers: Names of those cohorts whose groups are other people, even where they are called as in the training.
    """

    noise: list[float | str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    misaligned: list[str] = field(default_factory=list)
    cohorts: dict[str, str] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)

    def all(self, modalities: Sequence[str]) -> list[Condition]:
        """Every one of them once, for a cohort of these modalities.

        Raises:
            FileNotFoundError: If there is no such cohort.
            ValueError: If a level of noise or a modality is unknown.
        """
        if unknown := [name for name in self.missing if name not in modalities]:
            raise ValueError(f"Modality {', '.join(unknown)} can't be missing: the cohort has {', '.join(modalities)}.")
        if self.misaligned and not {"pet"} < set(modalities):
            raise ValueError(f"Nothing lies beside a PET here: the cohort has {', '.join(modalities)}.")
        if unknown := [name for name in self.strangers if name not in self.cohorts]:
            raise ValueError(
                f"There is no cohort {', '.join(unknown)} of strangers: there are {', '.join(self.cohorts)}."
            )
        noises = [*(noisy(level) for level in self.noise), *map(misaligned, self.misaligned)]
        others = [elsewhere(Path(path), name, strangers=name in self.strangers) for name, path in self.cohorts.items()]
        every = [*noises, *(without(modality) for modality in self.missing), *others]
        return list({condition.name: condition for condition in every}.values())


def check_elsewhere(condition: Condition, training: Cohort) -> None:
    """Refuse another cohort that networks trained on this one couldn't be tested on, before they are trained.

    Raises:
        ValueError: If it isn't prepared alike, or holds people that are trained on.
    """
    if "cohort" not in condition.data:
        return
    other = open_cohort(Path(condition.data["cohort"]))
    shared = [name for name in training.modalities if name in other.modalities]
    contracts = training.contract.seen(shared), other.contract.seen(shared)
    differing = differences(contracts[0], training.protocol.labels, contracts[1], other.protocol.labels)
    if differing:
        raise ValueError(f"{other.path}: isn't prepared as {training.path} is: {'; '.join(differing)}.")
    strangers = bool(condition.data["strangers"])
    tested = traces(other, other.subjects)
    refuse_leakage(traces(training, training.subjects), tested, str(other.path), strangers=strangers)
