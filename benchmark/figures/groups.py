"""Which structures the paper looks at, found in any protocol by words in their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmark.figures.names import readable
from datamodules.labels.protocol import Protocol

OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7")
"""Told apart with any colour vision."""


@dataclass(frozen=True)
class Group:
    """Structures that are shown together.

    Attributes:
        name: For files.
        title: For people.
        members: Word in a structure's name (left and right alike) to its colour.
        view: That shows it best.
    """

    name: str
    title: str
    members: dict[str, str]
    view: str

    def classes(self, protocol: Protocol) -> dict[int, str]:
        """Class index to colour, of the structures that the protocol knows; each word counts once."""
        return {
            index: colour
            for word, colour in self.members.items()
            for index, name in enumerate(protocol.names)
            if word.lower() in name.lower() and "inf" not in name.lower()
        }

    def legend(self, protocol: Protocol) -> dict[str, str]:
        """Name without side to colour."""
        classes = self.classes(protocol)
        return {without_side(protocol.names[index]): colour for index, colour in classes.items()}


GROUPS = (
    Group(
        "deep_grey",
        "Putamen, hippocampus and caudate",
        {"Putamen": OKABE_ITO[0], "Caudate": OKABE_ITO[1], "Striatum": OKABE_ITO[0], "Hippocampus": OKABE_ITO[2]},
        "coronal",
    ),
    Group("ventricles", "Lateral ventricles", {"Lateral-Ventricle": OKABE_ITO[1], "Ventricles": OKABE_ITO[1]}, "axial"),
)
"""Of the paper's region figures; coarser protocols show what holds these structures."""

SIX = {
    "Brain-Stem": "Brain-Stem",
    "Left-Hippocampus": "Hippocampus",
    "Left-Amygdala": "Amygdala",
    "Right-Cerebral-White-Matter": "White-Matter",
    "Right-Lateral-Ventricle": "Ventricle",
    "Right-Thalamus": "Thalamus",
}
"""The paper's six structures of the consistency figures, each with a word in the name of what holds it where a protocol
is coarser."""


def six_structures(names: Sequence[str]) -> tuple[str, ...]:
    """Those among `names` that are the paper's six, or hold one of them; without any, the first six."""
    held = dict.fromkeys(name for name in map(partial(_holding, names), SIX) if name)
    return tuple(held) or tuple(names[:6])


def stand_ins(names: Sequence[str]) -> str:
    """Which structures stand for which of the paper's, and which of them nothing holds, as a sentence."""
    holding = {paper: _holding(names, paper) for paper in SIX}
    lacking = [paper for paper, name in holding.items() if not name]
    told: dict[str, list[str]] = {}
    for paper, name in holding.items():
        if name and not name.startswith(paper):
            told.setdefault(name, []).append(readable(paper))
    parts = [f"{readable(name)} stands for the paper's {' and '.join(papers)}" for name, papers in told.items()]
    if len(lacking) == len(SIX):
        return "None of the paper's structures is among them."
    parts += [f"nothing holds its {', '.join(map(readable, lacking))}"] if lacking else []
    return f"{'; '.join(parts)}." if parts else ""


def without_side(name: str) -> str:
    """What a structure is called on both sides."""
    return name.removeprefix("Left-").removeprefix("Right-")


def _holding(names: Sequence[str], paper: str) -> str:
    """The structure that is one of the paper's, or else one that holds it; empty where none does."""
    exact = [name for name in names if name.startswith(paper)]
    return next(iter(exact or [name for name in names if SIX[paper] in name and "Inf" not in name]), "")
