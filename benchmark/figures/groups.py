"""Which structures the paper looks at, found in any protocol by words in their names."""

from dataclasses import dataclass

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

SIX = (
    ("Brain-Stem", "Brain-Stem"),
    ("Left-Hippocampus", "Hippocampus"),
    ("Left-Amygdala", "Cortex"),
    ("Right-Cerebral-White-Matter", "White-Matter"),
    ("Right-Lateral-Ventricle", "Ventricle"),
    ("Right-Thalamus", "Thalamus"),
)
"""The paper's six structures of the consistency figures, each with what stands for it in a coarser protocol."""


def six_structures(names: list[str]) -> tuple[str, ...]:
    """The paper's six, or what stands for them among `names`; with neither, the first six."""
    chosen = [
        next((name for name in names if name.startswith(exact)), None) or _containing(names, word)
        for exact, word in SIX
    ]
    found = dict.fromkeys(name for name in chosen if name is not None)
    return tuple(found) or tuple(names[:6])


def without_side(name: str) -> str:
    """What a structure is called on both sides."""
    return name.removeprefix("Left-").removeprefix("Right-")


def _containing(names: list[str], word: str) -> str | None:
    return next((name for name in names if word in name), None)
